"""The functions of the public vocabulary, TensorFlow 1's names over the ops of the table: one file for each subject."""
