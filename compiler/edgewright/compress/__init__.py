"""Compression recipes: their options, shared by the backends that know them."""
