"""Ledgers and repositories, chosen by URI."""
