"""The verdict: pure, no I/O, one captured clock."""
