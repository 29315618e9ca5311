"""Files of records and the messages in them: what TensorFlow calls TFRecord and `tf.train.Example`."""
