"""Read pictures and other schemes' codes, within limits."""
