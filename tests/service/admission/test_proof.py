"""Proofs of work and signed places: what is taken, and what is refused. The package `altcha` is the other side."""

import base64
import json
from datetime import timedelta

import pytest
from altcha import v1 as altcha
from hypothesis import given
from hypothesis import strategies as st

from movepass_service.admission.lanes import Lane
from movepass_service.admission.proof import PROOF_S, check_proof, make_challenge
from movepass_service.admission.tokens import TOKEN_MAX_AGE_S, BadTokenError, Place, read_token, write_token

NOW, KEY, CLIENT = 1_800_000_000.0, b"k" * 32, b"c" * 16
PLACE = Place(Lane.URGENT, 41, int(NOW))


def solve(hashes: int = 500) -> dict[str, object]:
    made = make_challenge(KEY, CLIENT, NOW, hashes)
    theirs = altcha.Challenge(made.algorithm, made.challenge, hashes, made.salt, made.signature)  # type: ignore[arg-type]
    solution = altcha.solve_challenge(theirs)
    assert solution is not None
    return {**json.loads(made.write()), "number": solution.number}


def written(proof: dict[str, object]) -> str:
    return base64.b64encode(json.dumps(proof).encode()).decode()


def test_what_the_package_solves_is_good_and_the_package_says_so_too() -> None:
    proof = solve()
    assert check_proof(KEY, written(proof), CLIENT, NOW + 60) is not None
    assert altcha.verify_solution(written(proof), KEY, check_expires=False)[0]


def test_a_challenge_of_the_package_is_none_of_ours_without_form_and_end() -> None:
    made = altcha.create_challenge(altcha.ChallengeOptions(hmac_key=KEY, max_number=50))
    solution = altcha.solve_challenge(made)
    assert solution is not None
    proof = {"algorithm": made.algorithm, "challenge": made.challenge, "number": solution.number}
    proof |= {"salt": made.salt, "signature": made.signature}
    assert check_proof(KEY, written(proof), CLIENT, NOW) is None


@pytest.mark.parametrize("what", ["late", "another form", "another key", "another number", "number in the salt"])
def test_a_proof_is_refused(what: str) -> None:
    proof = solve()
    late = PROOF_S + 1 if what == "late" else 0
    if what == "another number":
        proof["number"] = int(str(proof["number"])) + 1
    if what == "number in the salt":
        digits = str(proof["number"])
        proof |= {"salt": f"{proof['salt']}{digits[0]}", "number": int(digits[1:] or "0")}
    key = b"x" * 32 if what == "another key" else KEY
    client = b"x" * 16 if what == "another form" else CLIENT
    assert check_proof(key, written(proof), client, NOW + late) is None


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
def test_whatever_is_no_proof_is_refused(text: str) -> None:
    assert check_proof(KEY, text, CLIENT, NOW) is None


@given(
    st.dictionaries(
        st.sampled_from(["salt", "number", "signature", "algorithm", "challenge"]),
        st.none() | st.integers() | st.text() | st.floats() | st.lists(st.integers()),
    )
)
def test_whatever_fields_it_has(fields: dict[str, object]) -> None:
    assert check_proof(KEY, written(fields), CLIENT, NOW) is None


@given(st.sampled_from(list(Lane)), st.integers(1, 10**14), st.integers(-60, TOKEN_MAX_AGE_S))
def test_a_place_reads_as_it_was_written(lane: Lane, number: int, age: int) -> None:
    place = Place(lane, number, int(NOW) - age)
    assert read_token(KEY, write_token(KEY, place), NOW) == place


@given(st.data())
def test_a_changed_place_is_refused(data: st.DataObject) -> None:
    token = write_token(KEY, PLACE)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != token[at]))
    with pytest.raises(BadTokenError, match="forged"):
        read_token(KEY, token[:at] + other + token[at + 1 :], NOW)


def test_an_old_place_is_refused() -> None:
    with pytest.raises(BadTokenError, match="old"):
        read_token(KEY, write_token(KEY, PLACE), NOW + timedelta(days=1).total_seconds() + 1)


@given(st.text(max_size=120))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(BadTokenError, match="forged"):
        read_token(KEY, text, NOW)
