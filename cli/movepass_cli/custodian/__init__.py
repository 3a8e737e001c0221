"""Provide the commands of custodians."""
