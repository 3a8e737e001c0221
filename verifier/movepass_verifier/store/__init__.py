"""Keep what a device knows: its database, and how it is repaired."""
