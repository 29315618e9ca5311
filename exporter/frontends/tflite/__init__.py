"""TensorFlow Lite: a `.tflite` file becomes a Samara graph."""
