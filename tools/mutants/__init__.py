"""Mutants: what decides, changed in one place at a time; the tests of a module must notice. `make mutants`, or:

    PYTHONPATH=tools:tests python -m mutants base45 verify

Nothing on the disk is changed: a mutant is a source text that a process of its own imports in place of the module, and
that process is forked from one that has loaded all libraries already, so it takes a second and not several. cosmic-ray
says what can be changed; docs/mutants.md says what came of it.
"""
