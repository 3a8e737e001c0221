"""Commands of the issuing service."""
