"""The import worker: runs in the `onnx` environment, turns inspected model files into the canonical model folder."""
