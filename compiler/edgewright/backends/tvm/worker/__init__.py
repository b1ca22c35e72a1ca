"""Worker of the `tvm` backend: ONNX in, libraries with a C entry of our own and one shared weights blob out."""
