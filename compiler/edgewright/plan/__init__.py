"""Turns locked documents into actions and a difference; pure."""
