"""References that people type, and secrets that nobody guesses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movepass_service.applications.references import ALPHABET, Secrets, parse_reference, write_reference
from movepass_service.errors import UnknownApplication

VALUES = st.integers(0, (1 << 55) - 1)


@given(VALUES)
def test_a_reference_reads_back_however_it_is_typed(value: int) -> None:
    reference = write_reference(value)
    assert len(reference) == len("XXXX-XXXX-XXXX")
    assert parse_reference(reference) == reference
    loose = reference.lower().replace("-", " ").replace("0", "o").replace("1", "L")
    assert parse_reference(f" {loose} ") == reference


@given(VALUES, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_slip_or_a_swap_of_neighbours_is_no_reference(value: int, at: int, other: str) -> None:
    plain = write_reference(value).replace("-", "")
    slips = {plain[:at] + other + plain[at + 1 :], plain[:at] + plain[at : at + 2][::-1] + plain[at + 2 :]}
    for slip in slips - {plain}:
        with pytest.raises(UnknownApplication):
            parse_reference(slip)


@pytest.mark.parametrize(
    "text", ["", "X", "U" * 12, "0" * 11, "0" * 13, "০" * 11, "\ud800" * 12, "-" * 1000, "0" * 10_000]
)
def test_what_can_be_no_reference_is_unknown(text: str) -> None:
    with pytest.raises(UnknownApplication):
        parse_reference(text)


def test_everything_is_derived_from_the_key_the_client_and_the_content() -> None:
    one, other = Secrets(bytes(32)), Secrets(bytes(31) + b"\1")
    client = one.client("8f6f9d3a")
    assert client == Secrets(bytes(32)).client("8f6f9d3a") != other.client("8f6f9d3a")
    secrets = {
        one.secret(client, 0, b"a"), one.secret(client, 1, b"a"), one.secret(client, 0, b"b"),
        one.secret(one.client("other"), 0, b"a"), other.secret(client, 0, b"a"),
    }  # fmt: skip
    assert len(secrets) == 5
    assert {len(secret) for secret in secrets} == {26}
    references = {one.reference(client, part, attempt) for part in (0, 1) for attempt in (0, 1)}
    assert len(references) == 4
