"""Measures how often a wet, bent or badly photographed code is read, beside an HCERT of the same content."""
