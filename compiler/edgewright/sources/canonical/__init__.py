"""The import step: what a model folder may contain, and how it becomes the canonical model."""
