"""Provide the commands of an auditor from outside."""
