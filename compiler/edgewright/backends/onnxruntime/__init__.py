"""ONNX Runtime for encoders: export to ONNX, quantisation, artifacts for x86-64 and aarch64."""
