"""Waves: a pure controller, a ledger, a thin runner."""
