"""Pictures and other schemes' codes, read within limits."""
