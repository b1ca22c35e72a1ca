"""Gates over measurements."""
