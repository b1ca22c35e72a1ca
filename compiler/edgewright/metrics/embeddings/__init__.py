"""Metrics of embedding models: how far the built artifact's vectors are from the float32 reference's."""
