"""What users write: frozen models, no I/O."""
