"""Provide the commands of IT desks."""
