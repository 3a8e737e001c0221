"""Provide the commands of an authority."""
