"""Audit copies of a decision log and of an issuer's ledger: no pass without a decision.

Nothing here imports the service, or trusts what it says about itself. `leaves` and `heads` are pure, `copies` reads
files of any content in bounded memory, `tables` joins them in a temporary database, and `checks` names what is wrong.
"""
