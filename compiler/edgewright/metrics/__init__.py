"""Measurements of built artifacts, one folder a task."""
