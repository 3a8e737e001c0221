"""Check keys on real tokens in software: what they sign, and what is reported if they can't."""

from pathlib import Path

import pytest
from support import processes
from support.softhsm import PIN, Tokens

LABEL = "Rahima's card"
URI = "hsm:{}?label=Rahima%27s+card"
SIGN = """
import sys
from movepass_keys import KeysError, signer_from_uri
from movepass_keys.records import algorithms
asked = []
def ask(kind):
    asked.append(kind)
    return sys.argv[2]
try:
    signer = signer_from_uri(sys.argv[1], ask=ask)
    opened = len(asked)
    for number in range(20):  # r and s have leading zeros now and then
        message = b"message %d" % number * 500
        signature = signer.sign(message)
        assert len(signature) == 64
        assert algorithms.verify_signature(signer.public_key, signature, message)
    print(opened, asked, algorithms.NAMES[algorithms.algorithm_of(signer.public_key)], signer.uri)
except KeysError as e:
    print(f"{type(e).__name__}: {e} {asked}")
"""


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """A computer with one card, and every kind of key on it; nothing may change it."""
    tokens = Tokens.plug_in(tmp_path_factory.mktemp("card"), LABEL)
    kinds = {3: "secp384r1", 4: "RSA", 5: "edwards25519", 9: "secp521r1"}
    whats = {6: "mixed", 7: "public", 8: "hidden"}
    for number in range(1, 10):
        tokens.make_key(LABEL, number, kinds.get(number, "secp256r1"), whats.get(number, ""))
    return tokens


def sign(tokens: Tokens, uri: str, pin: str = PIN, **environment: str) -> str:
    """Sign in a process of its own; give what came of it, and what was asked for."""
    return processes.run_forked(SIGN, uri, pin, extra={**tokens.environment, **environment})


def test_a_token_signs_and_its_pin_is_asked_for_once_and_not_before_it_signs(card: Tokens) -> None:
    assert sign(card, URI.format(2)) == f"0 ['PIN'] ESP256 {URI.format(2)}"


def test_the_only_token_needs_no_label_and_is_named_from_then_on(card: Tokens) -> None:
    assert sign(card, "hsm:1").endswith(f"ESP256 {URI.format(1)}")


def test_a_public_key_that_is_hidden_takes_the_pin_to_be_shown(card: Tokens) -> None:
    assert sign(card, URI.format(8)) == f"1 ['PIN'] ESP256 {URI.format(8)}"


@pytest.mark.parametrize("pin", ["999999", "", "1", "9" * 300])
def test_a_wrong_pin_is_tried_once_and_the_danger_told(card: Tokens, pin: str) -> None:
    said = sign(card, URI.format(2), pin)
    assert said.startswith(f"SignerError: {URI.format(2)}: wrong PIN. CAREFUL: a token locks")
    assert said.endswith("['PIN']")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3, "not on the curve P-256"),
        (4, "the key is RSA; expected P-256"),
        (5, "the key is EC_EDWARDS; expected P-256"),
        (9, "secp521r1 is not a supported EC curve"),
    ],
)
def test_a_key_of_another_kind_is_refused_before_a_pin_is_asked_for(card: Tokens, number: int, words: str) -> None:
    said = sign(card, URI.format(number))
    assert words in said
    assert said.endswith("[]")


def test_a_key_that_is_not_there_and_what_is(card: Tokens) -> None:
    said = sign(card, URI.format(77))
    assert "could not find" in said
    assert "keys that it shows: 1 (EC), 2 (EC), 3 (EC), 4 (RSA), 5 (EC_EDWARDS), 6 (EC), 7 (EC), 9 (EC)" in said


def test_a_public_key_without_its_private_key(card: Tokens) -> None:
    assert "could not find ECDSA private key" in sign(card, URI.format(7))


def test_a_private_key_that_is_not_the_public_keys_is_not_used(card: Tokens) -> None:
    assert "the token's private key 6 is not that of its public key" in sign(card, URI.format(6))


def test_another_token_than_is_plugged_in(card: Tokens) -> None:
    said = sign(card, "hsm:2?label=Kamal")
    assert 'no such token; plugged in: "Rahima\'s card"' in said


def test_no_token_at_all(tmp_path: Path) -> None:
    tokens = Tokens.plug_in(tmp_path)
    assert "no such token; plugged in: none" in sign(tokens, "hsm:2")


def test_of_two_tokens_the_label_must_say_which(tmp_path: Path) -> None:
    tokens = Tokens.plug_in(tmp_path, "one", "two")
    for label in ("one", "two"):
        tokens.make_key(label, 1)
    said = sign(tokens, "hsm:1")
    assert "more than one token matches" in said
    assert "'one'" in said
    assert sign(tokens, "hsm:1?label=two").endswith("hsm:1?label=two")


@pytest.mark.parametrize("path", ["", "/nowhere/library.so", "/etc/hostname"])
def test_no_library_of_the_tokens_maker(card: Tokens, path: str) -> None:
    said = sign(card, URI.format(2), PYKCS11LIB=path)
    assert "expected the path of your token's PKCS#11 library in PYKCS11LIB" in said
    assert (repr(path) if path else "got nothing") in said


@pytest.mark.parametrize("rest", ["", "two", "2?label=", "2?pin=1234", "2?label=a&pin=1234", "-2", "02x", "2#a", "2?"])
def test_what_is_no_key_on_a_token_is_refused_and_a_pin_in_it_above_all(card: Tokens, rest: str) -> None:
    assert "expected a key like hsm:2?label=TOKEN" in sign(card, f"hsm:{rest}")


def test_where_there_is_nobody_to_ask_the_pin_comes_from_the_environment(card: Tokens) -> None:
    code = "import sys; from movepass_keys import signer_from_uri; print(len(signer_from_uri(sys.argv[1]).sign(b'm')))"
    assert processes.run_forked(code, URI.format(1), extra={**card.environment, "MOVEPASS_PIN": PIN}) == "64"
    code = f"from movepass_keys import SignerError\ntry: exec({code!r})\nexcept SignerError as e: print(e)"
    assert "set MOVEPASS_PIN" in processes.run_forked(code, URI.format(1), extra=card.environment)


def test_without_the_extra_it_says_what_to_install(card: Tokens) -> None:
    code = "import sys; sys.modules['pkcs11'] = None;" + SIGN
    said = processes.run_forked(code, URI.format(1), PIN, extra=card.environment)
    assert "pip install 'movepass[hsm]'" in said


def test_many_threads_sign_with_one_token(card: Tokens) -> None:
    code = """
import sys
from concurrent.futures import ThreadPoolExecutor
from movepass_keys import signer_from_uri
from movepass_keys.records import algorithms
signers = [signer_from_uri(f"hsm:{n}", ask=lambda _: sys.argv[1]) for n in (1, 2)]
with ThreadPoolExecutor(8) as pool:
    messages = [b"%d" % n for n in range(64)]
    signatures = pool.map(lambda m: signers[int(m) % 2].sign(m), messages)
    print(sum(algorithms.verify_signature(signers[int(m) % 2].public_key, s, m) for m, s in zip(messages, signatures)))
"""
    assert processes.run_forked(code, PIN, extra=card.environment) == "64"
