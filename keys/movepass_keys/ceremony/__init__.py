"""Let custodians decide together, by proposals, cards and folders of their own."""
