"""What goes to TensorBoard's event files, made with its own package: the messages and the writer."""
