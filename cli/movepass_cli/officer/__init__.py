"""Provide the commands of an officer at a post."""
