"""How a device is set up and kept fresh: sources, downloads, bundles."""
