"""The vocabulary under the names of later versions: `tf.math`, `tf.random`, `tf.io` and others."""
