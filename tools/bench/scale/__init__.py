"""Revocation and checks at national scale: a model held against a measured sample. docs/scale.md tells what came out.

assumptions   what is taken as given, each with its source
lists         how large a day's log is, publication by publication: the real codec, the publisher's rule
devices       when devices sync
model         what that costs, and how long a revocation takes to reach them
peers         the same for other ways to tell officers what is revoked
sample        a scaled-down day for real: publisher, web server, devices
full_size     one device with lists of full size, for real
april_2021    the load that was reported, replayed
plots, report what is shown
"""
