"""What tests in several folders build on: a small authority with a device, servers, processes, faults."""
