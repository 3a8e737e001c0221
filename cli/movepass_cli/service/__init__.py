"""Provide the commands of the issuing service."""
