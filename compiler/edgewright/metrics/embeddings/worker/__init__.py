"""Runs in the environment `onnx`: reference vectors by PyTorch, candidate vectors by the device's own runtime."""
