"""What programs of the time use beside the graph: `tf.app`, `tf.logging`, `tf.gfile`, `tf.compat`."""
