"""Signed records: the pass keys, the TUF roles, the layout of a repository."""
