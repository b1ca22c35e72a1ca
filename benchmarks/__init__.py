"""Benchmarks: each runs a peer and edgewright in turn, and prints JSON and a table with the ratio."""
