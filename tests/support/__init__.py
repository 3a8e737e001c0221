"""Share test support between folders: a small authority with a device, servers, processes, faults."""
