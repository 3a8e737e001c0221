"""How the status logs grow, and keys that are denied at once."""
