"""Writes tests/vectors/*.json: what every implementation of docs/spec.md must agree on.

    PYTHONPATH=tools:tests python -m make_vectors           write the files
    PYTHONPATH=tools:tests python -m make_vectors --check   exit 1 if a file is not as it would be written

Everything follows from SEED, so two runs write the same bytes. Nothing of Movepass is imported: payloads, logs and
numbers are put together a second time from the spec, and what is expected of a broken one stands beside it by hand.
So a mistake in the code can't hide in the vectors.

common.py, cbor.py, keys.py, pass_number.py, passes.py    what vectors are made of
payload.py, claims.py                                     payload.json
verify.py, statuslog.py, number.py, enrolment.py, sync.py the file of that name
key_documents.py                                          keys.json
files.py                                                  how a file is written
"""
