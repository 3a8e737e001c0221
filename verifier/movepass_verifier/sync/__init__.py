"""Set a device up and keep it fresh: sources, downloads, bundles."""
