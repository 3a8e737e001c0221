"""Fuzzing: what anybody may put before the code, by the million. `make fuzz`, or:

    PYTHONPATH=tools:tests python -m fuzz --seconds 60 text payload

A target takes bytes and holds what the code makes of them against what it may: an error that is declared, or an answer
that an oracle agrees with. Anything else is a finding: an escape (another exception), or a wrong accept.
"""
