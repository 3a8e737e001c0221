"""What a device keeps: its database, and how it is repaired."""
