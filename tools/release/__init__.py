"""Builds what a release consists of, twice, and compares the bytes: `python -m release build/release`."""
