"""Reads documents: strict YAML, spans, the fleet repository."""
