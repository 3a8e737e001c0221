"""Define the signed records: the pass keys, the TUF roles and the layout of a repository."""
