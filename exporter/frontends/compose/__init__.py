"""Compositions of the op table's ops that several front-ends need, by family.

Each is a function of a builder and tensors. Where ONNX and PyTorch put channels first, so do these functions: they
turn to Samara's channels-last ops and back, and a pass of the exporter removes the transposes between them.
"""
