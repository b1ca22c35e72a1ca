"""Metrics of text-generation models: how far the built artifact's next-token distributions are from the reference's."""
