"""Resolves every name to a digest, once."""
