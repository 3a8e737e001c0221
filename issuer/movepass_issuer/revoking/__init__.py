"""Growing and rewriting status logs, and keys that are denied at once."""
