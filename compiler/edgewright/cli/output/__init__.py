"""How results, diagnostics and events are drawn; the only package that knows of terminals."""
