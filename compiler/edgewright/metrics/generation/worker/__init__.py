"""Runs in the environment `genai`: reference logits by PyTorch, candidate logits by the device's own runtime."""
