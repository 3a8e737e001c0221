"""Serve an officer beside the verdict: the journal, passes shown before, checks before a shift, pass numbers."""
