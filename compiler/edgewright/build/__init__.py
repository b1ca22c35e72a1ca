"""Runs actions, in worker processes, into the store."""
