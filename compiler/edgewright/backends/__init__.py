"""Backends, one folder each; frameworks only in their workers."""
