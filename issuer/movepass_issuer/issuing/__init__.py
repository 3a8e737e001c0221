"""From an approved pass to a signed one: checks, numbers, the ledger's contract, answers."""
