"""Commands of an officer at a post."""
