"""The ONNX worker: runs in the `onnx` environment; steps `export-onnx` and `build`."""
