"""Commands of those who hold its keys."""
