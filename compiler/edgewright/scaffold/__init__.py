"""The first files of a fleet repository, as `edgewright init` writes them."""
