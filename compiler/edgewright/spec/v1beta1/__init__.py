"""The newest API version: the models that the rest of the compiler works with."""
