"""Decide the verdict: pure functions without I/O and with one captured clock."""
