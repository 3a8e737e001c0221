"""Commands of those who run an authority."""
