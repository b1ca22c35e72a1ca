"""Compression passes that need numpy and onnx; staged with the backends that use them."""
