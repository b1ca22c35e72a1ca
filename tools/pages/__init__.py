"""Pages of the documentation that are made from code, one module each; `page()` gives the text, `PATH` its place."""
