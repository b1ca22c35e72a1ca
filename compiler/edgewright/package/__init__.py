"""Releases: OCI layout, evidence, signature."""
