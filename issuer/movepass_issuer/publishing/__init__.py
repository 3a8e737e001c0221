"""Signed publications: writing, reading back, cleaning, on a schedule."""
