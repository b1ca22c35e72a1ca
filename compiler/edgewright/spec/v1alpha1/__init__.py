"""The first API version: models that are frozen. Documents in it are checked by them, then converted to the newest."""
