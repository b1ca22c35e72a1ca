"""ONNX Runtime GenAI for decoders: the model builder's recipes, with an 8-bit embedding of our own."""
