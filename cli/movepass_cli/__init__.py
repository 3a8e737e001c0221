"""Provide the `movepass` command, a thin layer over the packages below it."""
