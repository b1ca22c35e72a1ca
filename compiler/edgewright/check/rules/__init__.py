"""The rules: one module each, with a page of the same name that `edgewright explain` prints."""
