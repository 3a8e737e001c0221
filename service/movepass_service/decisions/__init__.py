"""Decisions: the record that each one leaves, and the cases that wait for an officer."""
