"""Check signers in KMS against ministack: what they sign, refuse and report, and where the key never is."""

import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_der_public_key,
)
from support import memory, processes
from support.documents import make_root, make_targets
from support.forked import Forked
from support.ministack import REGION, Ministack, Refusal, fronting, running
from support.passes import approved
from tuf.api.exceptions import UnsignedMetadataError

from movepass_issuer import Issuer
from movepass_issuer.authority.ceremony_desk import publish_proposals
from movepass_issuer.authority.creation import create_authority
from movepass_issuer.authority.folder import Authority
from movepass_issuer.publishing.publisher import Publisher, put_keys
from movepass_issuer.storage.folder_repository import FolderRepository
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import (
    FileSigner,
    KeyFileError,
    KeySet,
    PassKey,
    Signer,
    SignerError,
    create_key_file,
    signer_from_uri,
)
from movepass_keys import aws as aws_calls
from movepass_keys.ceremony import custodian
from movepass_keys.ceremony.proposal import Proposal, add_signature, sign_proposal
from movepass_keys.records import algorithms, roles
from movepass_keys.records.algorithms import key_id
from movepass_keys.signers import kms
from movepass_keys.signers.kms import create_wrapped_key
from movepass_verifier import Device, Verdict, verify
from movepass_wire.payload import ED25519, ESP256
from movepass_wire.times import DAY_SECONDS

BOTH = pytest.mark.parametrize("alg", [ESP256, ED25519], ids=["esp256", "ed25519"])
SPECS = {ESP256: "ECC_NIST_P256", ED25519: "ECC_NIST_EDWARDS25519"}
NOWHERE = f"arn:aws:kms:{REGION}:000000000000:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with running(tmp_path_factory.mktemp("ministack")) as ministack:
        yield ministack


@pytest.fixture(scope="session")
def arns(aws: Ministack) -> dict[int, str]:
    """A signing key of each algorithm, which no test changes."""
    return {alg: aws.key(spec) for alg, spec in SPECS.items()}


@pytest.fixture(autouse=True)
def environment(aws: Ministack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 find ministack and the root's access key, and nothing of this machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    become(monkeypatch, ("test", "test"))


def become(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str]) -> None:
    """Go on with another access key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])


def refusal(uri: str, message: bytes = b"message", base: Path | None = None) -> str:
    """Open and sign, which must fail; give what is said, which must name the key or its file."""
    with pytest.raises(SignerError) as caught:
        signer_from_uri(uri, base).sign(message)
    said = str(caught.value)
    assert uri.partition(":")[2] in said, said
    return said


# Signing


@BOTH
def test_kms_signs_64_raw_bytes_that_the_public_key_verifies(aws: Ministack, arns: dict[int, str], alg: int) -> None:
    signer = signer_from_uri(f"awskms:{arns[alg]}")
    assert algorithms.algorithm_of(signer.public_key) == alg
    spki = aws.client("kms").get_public_key(KeyId=arns[alg])["PublicKey"]
    assert key_id(signer.public_key) == key_id(load_der_public_key(spki))  # type: ignore[arg-type]
    for number in range(20):  # r and s have leading zeros now and then
        message = b"message %d" % number
        signature = signer.sign(message)
        assert len(signature) == 64
        assert algorithms.verify_signature(signer.public_key, signature, message)


@BOTH
def test_the_public_key_is_asked_for_once_and_each_message_is_signed_once(
    aws: Ministack, arns: dict[int, str], alg: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer = signer_from_uri(f"awskms:{arns[alg]}")
        signer.sign(b"1")
        signer.sign(b"2")
    assert front.asked == ["GetPublicKey", "Sign", "Sign"]
    assert all(parameters["KeyId"] == arns[alg] for _, parameters in front.requests)


@pytest.mark.parametrize("length", [0, 1, 4096, 4097, 100_000])
def test_p256_sends_up_to_4096_bytes_raw_and_longer_ones_as_their_digest(
    aws: Ministack, arns: dict[int, str], length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = os.urandom(length)
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer = signer_from_uri(f"awskms:{arns[ESP256]}")
        assert algorithms.verify_signature(signer.public_key, signer.sign(message), message)
    sent = front.requests[-1][1]
    raw = 1 <= length <= 4096
    assert (sent["MessageType"], len(b64decode(sent["Message"]))) == (("RAW", length) if raw else ("DIGEST", 32))


def test_ed25519_refuses_more_than_4096_bytes_without_asking(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer = signer_from_uri(f"awskms:{arns[ED25519]}")
        message = os.urandom(4096)
        assert algorithms.verify_signature(signer.public_key, signer.sign(message), message)
        for length in (0, 4097):
            with pytest.raises(SignerError, match=f"1 to 4096 bytes.*got {length}.*P-256"):
                signer.sign(bytes(length))
    assert front.asked == ["GetPublicKey", "Sign"]


@BOTH
def test_one_signer_serves_many_threads(arns: dict[int, str], alg: int) -> None:
    signer = signer_from_uri(f"awskms:{arns[alg]}")
    messages = [b"%d" % number for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        signatures = list(pool.map(signer.sign, messages))
    for message, signature in zip(messages, signatures, strict=True):
        assert algorithms.verify_signature(signer.public_key, signature, message)


def test_boto3_is_loaded_only_for_a_key_in_kms(tmp_path: Path) -> None:
    """By us: securesystemslib.signer, and so movepass_keys.records.roles, loads it wherever it is installed."""
    create_key_file(tmp_path / "key.pem", ESP256)
    code = (
        "import sys; from movepass_keys import signer_from_uri; from movepass_keys.signers import kms;"
        "signer_from_uri('file:' + sys.argv[1]).sign(b'm'); print([m for m in sys.modules if m.startswith('boto')])"
    )
    assert processes.run(code, tmp_path / "key.pem") == "[]"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, arns: dict[int, str]) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    assert "pip install 'movepass[aws]'" in refusal(f"awskms:{arns[ESP256]}")


# From end to end


@dataclass
class House:
    """An authority of two custodians whose pass key and online key are anywhere, and a device."""

    folder: Path
    pass_signer: Signer
    online: Signer
    keys: KeySet
    now: int

    @classmethod
    def found(cls, folder: Path, *, pass_key: str, online: str = "file:online.pem") -> "House":
        for name in ("root-1", "root-2", "targets-1", "targets-2", "online"):
            create_key_file(folder / f"{name}.pem", ESP256)
        root, targets = ([FileSigner(folder / f"{role}-{n}.pem") for n in (1, 2)] for role in ("root", "targets"))
        pass_signer, online_signer = (signer_from_uri(uri, folder) for uri in (pass_key, online))
        now = int(time.time())
        key = PassKey(pass_signer.public_key, not_before=now - DAY_SECONDS, not_after=now + 30 * DAY_SECONDS)
        house = cls(folder, pass_signer, online_signer, KeySet.of("Test Authority", [key], test=True), now)
        repository = FolderRepository.create(folder / "repository")
        document = roles.json_bytes(house.keys.to_jwks())
        put_keys(repository, document)
        metadata = make_root(root, targets, online_signer, threshold=2, now=now)
        repository.create_version("metadata/1.root.json", roles.sign_document(metadata, root))
        delegation = make_targets(document, online_signer, now=now)
        repository.create_version("metadata/1.targets.json", roles.sign_document(delegation, targets))
        SqliteLedger(folder / "ledger.sqlite", create=True).close()
        house.publish()
        first = (folder / "repository" / "metadata" / "1.root.json").read_bytes()
        Device.enroll(folder / "device", root=first, sources=[str(folder / "repository")])
        return house

    @contextmanager
    def issuer(self) -> Iterator[Issuer]:
        with closing(SqliteLedger(self.folder / "ledger.sqlite")) as ledger:
            yield Issuer(signer=self.pass_signer, ledger=ledger, keys=self.keys)

    def publish(self, **options: Any) -> None:
        with closing(SqliteLedger(self.folder / "ledger.sqlite")) as ledger:
            repository = FolderRepository(self.folder / "repository")
            Publisher(repository=repository, ledger=ledger, signer=self.online).publish(self.now, **options)

    def synced_verdict(self, text: str) -> Verdict:
        """Sync the device, and let the pure function decide with what it has."""
        with Device.open(self.folder / "device") as device:
            device.sync()
            state = device.state()
            return verify(text, keys=state.keys, lists=state.lists, now=self.now).verdict


@BOTH
def test_a_pass_signed_in_kms_is_valid_on_a_device(tmp_path: Path, arns: dict[int, str], alg: int) -> None:
    house = House.found(tmp_path, pass_key=f"awskms:{arns[alg]}")
    with house.issuer() as issuer:
        signed = issuer.issue(approved("R-1", house.now))
        again = issuer.issue(approved("R-1", house.now))
    assert signed.text == again.text
    assert house.synced_verdict(signed.text) == Verdict.VALID


@BOTH
def test_an_online_key_in_kms_publishes_what_a_device_believes(tmp_path: Path, arns: dict[int, str], alg: int) -> None:
    house = House.found(tmp_path, pass_key="file:online.pem", online=f"awskms:{arns[alg]}")
    with house.issuer() as issuer:
        kept, revoked = (issuer.issue(approved(name, house.now)) for name in ("R-1", "R-2"))
        assert house.synced_verdict(revoked.text) == Verdict.VALID
        issuer.revoke(number=revoked.number)
    house.publish()
    assert house.synced_verdict(revoked.text) == Verdict.REVOKED
    assert house.synced_verdict(kept.text) == Verdict.VALID


def test_a_document_of_more_than_4096_bytes_is_published_with_p256_and_refused_with_ed25519(
    tmp_path: Path, aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        folders = {alg: tmp_path / str(alg) for alg in arns}
        for folder in folders.values():
            folder.mkdir()
        house, other = (
            House.found(folders[alg], pass_key="file:online.pem", online=f"awskms:{arns[alg]}")
            for alg in (ESP256, ED25519)
        )
        house.publish(days_ahead=40)
        assert {"RAW", "DIGEST"} == {sent["MessageType"] for name, sent in front.requests if name == "Sign"}
        with house.issuer() as issuer:
            signed = issuer.issue(approved("R-1", house.now))
        assert house.synced_verdict(signed.text) == Verdict.VALID
        before = (other.folder / "repository" / "metadata" / "timestamp.json").read_bytes()
        with pytest.raises((SignerError, UnsignedMetadataError), match="sign such documents with a P-256 key"):
            other.publish(days_ahead=40)
    assert (other.folder / "repository" / "metadata" / "timestamp.json").read_bytes() == before


def test_what_kms_refuses_while_publishing_is_an_error_of_ours(tmp_path: Path, aws: Ministack) -> None:
    arn = aws.key()
    house = House.found(tmp_path, pass_key="file:online.pem", online=f"awskms:{arn}")
    aws.client("kms").disable_key(KeyId=arn)
    with pytest.raises(SignerError, match="kms:Sign: the key is disabled"):
        house.publish()


# Wrapped keys


@pytest.fixture
def wrapping(aws: Ministack) -> str:
    return aws.wrapping_key()


@pytest.fixture
def wrapped(tmp_path: Path, wrapping: str) -> Path:
    path = tmp_path / "wrapped.json"
    create_wrapped_key(path, wrapping, ESP256)
    return path


def change(path: Path, **members: Any) -> str:
    """Write a copy of a wrapped key's file with other members, None taking one out, and give its URI."""
    document = {k: v for k, v in (json.loads(path.read_bytes()) | members).items() if v is not None}
    copy = path.with_name(f"changed-{os.urandom(4).hex()}.json")
    copy.write_text(json.dumps(document))
    return f"awskms-wrapped:{copy}"


@BOTH
def test_a_pass_signed_with_a_wrapped_key_is_valid_on_a_device(tmp_path: Path, wrapping: str, alg: int) -> None:
    public_key = create_wrapped_key(tmp_path / "wrapped.json", wrapping, alg)
    house = House.found(tmp_path, pass_key="awskms-wrapped:wrapped.json")
    assert house.keys.keys.keys() == {key_id(public_key)}
    assert algorithms.algorithm_of(house.pass_signer.public_key) == alg
    with house.issuer() as issuer:
        signed = issuer.issue(approved("R-1", house.now))
    assert house.synced_verdict(signed.text) == Verdict.VALID


@pytest.mark.parametrize("alg", ["ESP256", "Ed25519"])
def test_keys_new_has_kms_make_and_wrap_a_pass_key_that_then_signs(
    aws: Ministack, tmp_path: Path, wrapping: str, alg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = create_authority(tmp_path / "authority", name="Wrapped", test=True)
    become(monkeypatch, aws.user(f"maker-{alg}", "kms:GenerateDataKeyPairWithoutPlaintext", resource=wrapping))
    made = movepass("keys", "new", "--authority", authority.folder, "--wrapping-key", wrapping, "--alg", alg, "--json")
    assert made.returncode == 0, made.stderr
    kid = json.loads(made.stdout)["kid"]
    path = authority.folder / "keys" / f"pass-{kid}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    become(monkeypatch, aws.user(f"user-{alg}", "kms:Decrypt", resource=wrapping))
    proposed = movepass(
        "keys", "propose", "keys", "--authority", authority.folder, "--add", kid, "--out", tmp_path / "p"
    )
    assert proposed.returncode == 0, proposed.stderr
    proposal = Proposal.from_bytes((tmp_path / "p").read_bytes())
    for name in ("1", "2"):
        signer = custodian.signer(authority.folder / "custodians" / name, proposal.role)
        proposal, _ = add_signature(proposal, sign_proposal(proposal, signer))
    publish_proposals(Authority.open(authority.folder), [proposal], int(time.time()))
    assert movepass("keys", "use", kid, "--authority", authority.folder, "--urgent").returncode == 0
    with Authority.open(authority.folder).issuer() as issuer:
        signed = issuer.issue(approved("R-1", int(time.time())))
    Device.enroll(tmp_path / "device", root=authority.root_path.read_bytes(), sources=[str(authority.repository_path)])
    with Device.open(tmp_path / "device") as device:
        device.sync()
        assert device.verify(signed.text).verdict == Verdict.VALID
    assert algorithms.NAMES[authority.keys().keys[bytes.fromhex(kid)].alg] == alg


def test_keys_new_with_a_key_that_can_not_wrap_makes_nothing(tmp_path: Path, arns: dict[int, str]) -> None:
    authority = create_authority(tmp_path / "authority", name="Wrapped", test=True)
    before = sorted((authority.folder / "keys").iterdir())
    for options, code, words in (
        (["--wrapping-key", arns[ESP256]], 4, "make a symmetric key"),
        (["--wrapping-key", "alias/mine"], 4, "expected a signer like arn:aws:kms:REGION:ACCOUNT:key/ID"),
        (["--wrapping-key", NOWHERE, "--uri", f"awskms:{NOWHERE}"], 2, "expected --uri or --wrapping-key, got both"),
    ):
        ran = movepass("keys", "new", "--authority", authority.folder, *options)
        assert (ran.returncode, words in ran.stderr) == (code, True), ran.stderr
    assert sorted((authority.folder / "keys").iterdir()) == before
    assert Authority.open(authority.folder) == authority


def movepass(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["movepass", *map(str, arguments)]
    with Forked(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@BOTH
def test_a_wrapped_keys_file_is_the_owners_and_shows_no_private_key(
    aws: Ministack, tmp_path: Path, wrapping: str, alg: int
) -> None:
    path = tmp_path / "wrapped.json"
    create_wrapped_key(path, wrapping, alg)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private_key = unwrap(aws, path)
    assert not [form for form, value in memory.forms(private_key).items() if value in path.read_bytes()]


def unwrap(aws: Ministack, path: Path) -> algorithms.PrivateKey:
    """Unwrap as the account's root, past our own code."""
    document = json.loads(path.read_bytes())
    blob = b64decode(document["wrapped_private_key"])
    plaintext = aws.client("kms").decrypt(CiphertextBlob=blob, EncryptionContext=document["context"])["Plaintext"]
    return load_der_private_key(plaintext, None)  # type: ignore[return-value]


def test_the_maker_never_asks_for_the_plaintext(
    aws: Ministack, tmp_path: Path, wrapping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        create_wrapped_key(tmp_path / "wrapped.json", wrapping, ESP256)
    assert front.asked == ["GenerateDataKeyPairWithoutPlaintext"]
    context = front.requests[0][1]["EncryptionContext"]
    assert (context["movepass"], context["alg"]) == ("signing-key", "ESP256")


def test_a_wrapped_key_is_never_written_over(wrapped: Path, wrapping: str) -> None:
    before = wrapped.read_bytes()
    with pytest.raises(KeyFileError, match="never written over"):
        create_wrapped_key(wrapped, wrapping, ESP256)
    assert wrapped.read_bytes() == before


def test_a_wrapped_key_is_unwrapped_once_a_process_and_signs_without_kms(
    aws: Ministack, wrapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        barrier = threading.Barrier(4)

        def use(number: int) -> bool:
            barrier.wait()
            signer = signer_from_uri(f"awskms-wrapped:{wrapped}")
            message = b"%d" % number
            return algorithms.verify_signature(signer.public_key, signer.sign(message), message)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(use, range(8)))
    assert front.asked == ["Decrypt"]


def test_another_process_unwraps_for_itself(aws: Ministack, wrapped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; from movepass_keys import signer_from_uri as s; [s(sys.argv[1]).sign(b'm') for _ in range(3)]"
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        for _ in range(2):
            processes.run(code, f"awskms-wrapped:{wrapped}")
    assert front.asked == ["Decrypt", "Decrypt"]


def test_a_failed_unwrapping_is_tried_again_when_opened_again(
    aws: Ministack, wrapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws, lambda _operation, before: None if before else Refusal("DisabledException")) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        assert "kms:EnableKey" in refusal(f"awskms-wrapped:{wrapped}")
        signer_from_uri(f"awskms-wrapped:{wrapped}").sign(b"message")


@pytest.mark.parametrize("member", ["id", "alg"])
def test_another_encryption_context_is_refused(aws: Ministack, wrapped: Path, member: str) -> None:
    context = json.loads(wrapped.read_bytes())["context"]
    other = {"id": "0" * 16, "alg": "Ed25519"}[member]
    if member == "alg":  # the file's own check would come first
        blob = b64decode(json.loads(wrapped.read_bytes())["wrapped_private_key"])
        with pytest.raises(Exception, match="InvalidCiphertext"):
            aws.client("kms").decrypt(CiphertextBlob=blob, EncryptionContext=context | {member: other})
    else:
        said = refusal(change(wrapped, context=context | {member: other}))
        assert "kms:Decrypt" in said
        assert "encryption context was changed" in said


def test_a_tampered_blob_is_refused_wherever_it_is_tampered_with(wrapped: Path) -> None:
    """Real KMS authenticates the blob (AES-GCM); ministack does not, so here our own comparison has to catch it.

    Its first 36 bytes are ministack's name of the wrapping key, which it does not read where the request has a KeyId.
    """
    blob = b64decode(json.loads(wrapped.read_bytes())["wrapped_private_key"])
    for position in range(36, len(blob), 7):
        tampered = bytearray(blob)
        tampered[position] ^= 0x10
        said = refusal(change(wrapped, wrapped_private_key=b64encode(tampered).decode()))
        assert "restore the file" in said or "kms:Decrypt" in said


def test_an_ed25519_key_is_read_in_either_version_of_pkcs8() -> None:
    """RFC 8410, section 10.3: the same key as version 1, and as version 2 with an attribute and the public key."""
    one = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
    two = (
        "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
        "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB"
        "Z9w7lshQhqowtrbLDFw4rXAxZuE="
    )
    spki = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
    for text in (one, two):
        private_key = kms._private_key(b64decode(text))
        assert isinstance(private_key, Ed25519PrivateKey)
        assert private_key.public_key() == load_der_public_key(b64decode(spki))


def test_a_blob_cut_short_is_refused(wrapped: Path) -> None:
    blob = b64decode(json.loads(wrapped.read_bytes())["wrapped_private_key"])
    for length in (1, 36, 68, 84, len(blob) - 1):
        refusal(change(wrapped, wrapped_private_key=b64encode(blob[:length]).decode()))


@BOTH
def test_another_keys_blob_is_refused(tmp_path: Path, wrapped: Path, wrapping: str, alg: int) -> None:
    """With its own context it unwraps well; but it is not the private half of the public key that devices know."""
    create_wrapped_key(tmp_path / "other.json", wrapping, alg)
    other = json.loads((tmp_path / "other.json").read_bytes())
    mine = json.loads(wrapped.read_bytes())
    mixed = {"wrapped_private_key": other["wrapped_private_key"], "context": other["context"]}
    if alg == ESP256:
        assert "not the private half" in refusal(change(wrapped, **mixed))
    with pytest.raises((SignerError, KeyFileError)):
        signer_from_uri(change(wrapped, public_key=other["public_key"], context=mine["context"]))


@pytest.mark.parametrize(
    "members",
    [
        {"movepass_wrapped_key": 2},
        {"movepass_wrapped_key": None},
        {"wrapping_key": f"arn:aws:kms:{REGION}:000000000000:alias/wrapping"},
        {"wrapping_key": 7},
        {"context": None},
        {"context": {"movepass": "signing-key", "alg": "ESP256"}},
        {"context": {"movepass": "signing-key", "alg": "RS256", "id": "0"}},
        {"context": {"movepass": "other-purpose", "alg": "ESP256", "id": "0"}},
        {"context": {"movepass": "signing-key", "alg": "ESP256", "id": "0", "more": "x"}},
        {"public_key": "AAAA"},
        {"public_key": "not base64"},
        {"wrapped_private_key": None},
        {"wrapped_private_key": "%%%"},
        {"unheard": "of"},
    ],
    ids=str,
)
def test_a_file_that_is_no_wrapped_key_is_refused_without_asking_kms(
    aws: Ministack, wrapped: Path, members: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        with pytest.raises(KeyFileError, match="not a wrapped key that this software can read"):
            signer_from_uri(change(wrapped, **members))
    assert front.asked == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 50_000])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wrapped.json").write_bytes(content)
    with pytest.raises(KeyFileError, match="not a wrapped key"):
        signer_from_uri("awskms-wrapped:wrapped.json", tmp_path)


def test_a_missing_wrapped_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"can't read the wrapped key .*nothing\.json"):
        signer_from_uri("awskms-wrapped:nothing.json", tmp_path)


def test_nothing_is_unwrapped_while_botocore_would_log_it(wrapped: Path) -> None:
    logger = logging.getLogger("botocore")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        assert "log the private key" in refusal(f"awskms-wrapped:{wrapped}")
    finally:
        logger.setLevel(before)
    signer_from_uri(f"awskms-wrapped:{wrapped}")


@pytest.mark.parametrize(("spec", "usage"), [("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")])
def test_only_a_symmetric_key_wraps(aws: Ministack, tmp_path: Path, spec: str, usage: str) -> None:
    arn = aws.key(spec, usage)
    with pytest.raises(SignerError, match=f"{arn}: kms:Generate.*SYMMETRIC_DEFAULT"):
        create_wrapped_key(tmp_path / "wrapped.json", arn, ESP256)
    assert not (tmp_path / "wrapped.json").exists()


# What can be wrong with the key


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "11111111-2222-3333-4444-555555555555",
        "alias/pass-key",
        "arn:aws:kms:eu-central-1:000000000000:key",
        "arn:aws:s3:eu-central-1:000000000000:key/1",
        "arn:aws:kms::000000000000:key/1",
        f"{NOWHERE} ",
        f"{NOWHERE}\n",
    ],
)
def test_what_is_no_arn_of_a_key_is_refused(arn: str) -> None:
    with pytest.raises(SignerError, match="expected a signer like awskms:arn:aws:kms:REGION:ACCOUNT:key/ID"):
        signer_from_uri(f"awskms:{arn}")


def test_an_alias_is_refused_with_the_reason_and_the_way_out() -> None:
    said = refusal(f"awskms:arn:aws:kms:{REGION}:000000000000:alias/pass-key")
    assert "can be pointed at another key" in said
    assert "describe-key" in said


def test_a_key_that_is_not_there(arns: dict[int, str]) -> None:
    assert f"no such key in {REGION}" in refusal(f"awskms:{NOWHERE}")
    elsewhere = arns[ESP256].replace(REGION, "us-east-1")
    assert "no such key in us-east-1; look at the region" in refusal(f"awskms:{elsewhere}")


@BOTH
def test_the_region_is_the_arns_whatever_the_environment_says(
    aws: Ministack, arns: dict[int, str], alg: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    signer_from_uri(f"awskms:{arns[alg]}").sign(b"message")
    other = aws.client("kms", "ap-south-1").create_key(KeySpec=SPECS[alg], KeyUsage="SIGN_VERIFY")
    signer_from_uri(f"awskms:{other['KeyMetadata']['Arn']}").sign(b"message")


def test_a_disabled_key(aws: Ministack) -> None:
    arn = aws.key()
    signer = signer_from_uri(f"awskms:{arn}")
    aws.client("kms").disable_key(KeyId=arn)
    with pytest.raises(SignerError, match=f"{arn}: kms:Sign: the key is disabled; .*kms:EnableKey"):
        signer.sign(b"message")
    aws.client("kms").enable_key(KeyId=arn)
    signer.sign(b"message")


def test_a_disabled_wrapping_key_stops_who_has_not_unwrapped_yet(aws: Ministack, wrapping: str, wrapped: Path) -> None:
    signer = signer_from_uri(f"awskms-wrapped:{wrapped}")
    aws.client("kms").disable_key(KeyId=wrapping)
    signer.sign(b"message")
    copy = wrapped.with_name("copy.json")
    copy.write_bytes(wrapped.read_bytes() + b"\n")
    said = refusal(f"awskms-wrapped:{copy}")
    assert "kms:Decrypt: the key is disabled" in said
    assert wrapping in said


def test_a_key_that_is_about_to_be_deleted(aws: Ministack) -> None:
    arn = aws.key()
    aws.client("kms").schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert "kms:CancelKeyDeletion" in refusal(f"awskms:{arn}")


def test_a_key_without_its_material(aws: Ministack) -> None:
    assert "imported material may be missing" in refusal(f"awskms:{aws.key(Origin='EXTERNAL')}")


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("ECC_NIST_P384", "SIGN_VERIFY"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "KEY_AGREEMENT"),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ],
)
def test_a_key_of_another_kind(aws: Ministack, spec: str, usage: str) -> None:
    said = refusal(f"awskms:{aws.key(spec, usage)}")
    assert "make an asymmetric key of KeySpec ECC_NIST_P256 or ECC_NIST_EDWARDS25519 and KeyUsage SIGN_VERIFY" in said


def test_a_signature_that_the_key_does_not_verify_is_not_used(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    der = algorithms.der_from_raw(algorithms.sign(algorithms.generate(ESP256), b"message"))
    for signature in (der, b"", b"\x30\x00", bytes(64), der_of_large_numbers()):
        answer = json.dumps({"KeyId": arns[ESP256], "Signature": b64encode(signature).decode()}).encode()
        with fronting(aws, lambda operation, _, a=answer: a if operation == "Sign" else None) as front:  # type: ignore[misc]
            monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
            assert "does not verify" in refusal(f"awskms:{arns[ESP256]}")


def der_of_large_numbers() -> bytes:
    number = b"\x02\x28" + b"\x7f" * 40
    return b"\x30" + bytes([2 * len(number)]) + 2 * number


# What can be wrong with the caller


@BOTH
def test_a_caller_needs_exactly_the_actions_in_the_docstring(
    aws: Ministack, arns: dict[int, str], alg: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"signs-{alg}-{os.urandom(4).hex()}"
    become(monkeypatch, aws.user(f"{name}-0", resource=arns[alg]))
    said = refusal(f"awskms:{arns[alg]}")
    assert "no permission; allow kms:GetPublicKey" in said
    become(monkeypatch, aws.user(f"{name}-1", "kms:GetPublicKey", resource=arns[alg]))
    signer_from_uri(f"awskms:{arns[alg]}")
    said = refusal(f"awskms:{arns[alg]}")
    assert "no permission; allow kms:Sign to the caller, in the key's policy or in an IAM policy" in said
    become(monkeypatch, aws.user(f"{name}-2", "kms:GetPublicKey", "kms:Sign", resource=arns[alg]))
    signer_from_uri(f"awskms:{arns[alg]}").sign(b"message")


def test_making_and_using_a_wrapped_key_need_one_action_each(
    aws: Ministack, tmp_path: Path, wrapping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, name = tmp_path / "wrapped.json", f"wraps-{os.urandom(4).hex()}"
    maker = aws.user(f"{name}-maker", "kms:GenerateDataKeyPairWithoutPlaintext", resource=wrapping)
    user = aws.user(f"{name}-user", "kms:Decrypt", resource=wrapping)
    become(monkeypatch, user)
    with pytest.raises(SignerError, match="allow kms:GenerateDataKeyPairWithoutPlaintext to the caller"):
        create_wrapped_key(path, wrapping, ESP256)
    become(monkeypatch, maker)
    create_wrapped_key(path, wrapping, ESP256)
    assert "allow kms:Decrypt to the caller" in refusal(f"awskms-wrapped:{path}")
    become(monkeypatch, user)
    signer_from_uri(f"awskms-wrapped:{path}").sign(b"message")


def test_credentials_that_aws_does_not_know(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = aws.user(f"known-{os.urandom(4).hex()}", "kms:*")
    for keys in (("AKIAIOSFODNN7EXAMPLE", "secret"), (known[0], "wrong")):
        become(monkeypatch, keys)
        said = refusal(f"awskms:{arns[ESP256]}")
        assert "AWS does not accept the credentials" in said
        assert keys[1] not in said


def test_no_credentials(arns: dict[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no AWS credentials that may use kms:GetPublicKey" in refusal(f"awskms:{arns[ESP256]}")


@pytest.mark.parametrize(("name", "value"), [("AWS_PROFILE", "nobody"), ("AWS_ENDPOINT_URL", "nonsense")])
def test_settings_that_boto3_can_not_use(
    arns: dict[int, str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert "boto3 can't use its settings" in refusal(f"awskms:{arns[ESP256]}")


# Throttling, and a network that fails


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> float:
    """Shorten every limit, and return the deadline in seconds."""
    limits = {"DEADLINE": 1.5, "CONNECT": 0.3, "READ": 0.3, "BACKOFF_FIRST": 0.01, "BACKOFF_MAX": 0.2}
    for name, seconds in limits.items():
        monkeypatch.setattr(kms, f"{name}_SECONDS", seconds)
    return limits["DEADLINE"]


class Clock:
    """A clock that only waits move, so that a busy machine takes no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let calls of AWS go by such a clock."""
    clock = Clock()
    monkeypatch.setattr(aws_calls, "time", clock)
    return clock


PASSING = [
    Refusal("ThrottlingException", 400, "You have exceeded the rate at which you may call KMS."),
    Refusal("KMSInternalException", 500),
    Refusal("DependencyTimeoutException", 503),
    Refusal("KeyUnavailableException", 500),
    Refusal("NobodyKnows", 502),
    Refusal("TooManyRequests", 429),
]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda trouble: trouble.code)
def test_what_passes_is_waited_for(
    aws: Ministack, arns: dict[int, str], trouble: Refusal, monkeypatch: pytest.MonkeyPatch, hurry: float
) -> None:
    assert hurry
    with fronting(aws, lambda _, before: trouble if before < 3 else None) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer = signer_from_uri(f"awskms:{arns[ESP256]}")
        assert algorithms.verify_signature(signer.public_key, signer.sign(b"message"), b"message")
    assert front.asked == ["GetPublicKey"] * 4 + ["Sign"] * 4


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [(PASSING[0], "have the account's request quota for kms:Sign in eu-central-1 raised"), (PASSING[1], "KMS failed")],
    ids=["throttled", "broken"],
)
def test_what_does_not_pass_ends_at_the_deadline(
    aws: Ministack,
    arns: dict[int, str],
    trouble: Refusal,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    with fronting(aws, lambda operation, _: trouble if operation == "Sign" else None) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer = signer_from_uri(f"awskms:{arns[ESP256]}")
        begun = clock.now
        with pytest.raises(SignerError) as caught:
            signer.sign(b"message")
    attempts = front.asked.count("Sign")
    assert attempts > 4
    assert f"{attempts} attempts within {kms.DEADLINE_SECONDS:g} s" in str(caught.value)
    assert advice in str(caught.value)
    assert kms.DEADLINE_SECONDS / 4 < clock.now - begun < kms.DEADLINE_SECONDS


def test_the_waits_grow_and_differ(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch, hurry: float
) -> None:
    assert hurry
    waits: list[float] = []
    sleep = time.sleep

    def wait(seconds: float) -> None:
        waits.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", wait)
    with fronting(aws, lambda _, __: PASSING[0]) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        refusal(f"awskms:{arns[ESP256]}")
    assert all(wait <= min(0.01 * 2 ** (n + 1), 0.2) for n, wait in enumerate(waits))
    assert len(set(waits)) == len(waits)
    assert max(waits) > 0.05


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "ValidationException", "Unheard"])
def test_what_does_not_pass_by_waiting_is_asked_once(
    aws: Ministack, arns: dict[int, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws, lambda _, __: Refusal(code, 400, "said AWS")) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        said = refusal(f"awskms:{arns[ESP256]}")
    assert front.asked == ["GetPublicKey"]
    assert f"({code}: " in said
    assert "said AWS" in said
    assert "kms:GetPublicKey" in said


def test_an_endpoint_where_nobody_listens(arns: dict[int, str], monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    said = refusal(f"awskms:{arns[ESP256]}")
    assert "no answer from http://127.0.0.1:9 after 3 attempts" in said
    assert "look at the region in the ARN, the network or VPC endpoint, and AWS_ENDPOINT_URL" in said
    assert clock.now < kms.DEADLINE_SECONDS


def test_a_connection_that_is_closed_is_opened_again(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch, hurry: float
) -> None:
    assert hurry
    with fronting(aws, lambda _, before: None if before else Refusal("", 0)) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        signer_from_uri(f"awskms:{arns[ESP256]}").sign(b"message")
    assert front.asked == ["GetPublicKey"] * 2 + ["Sign"] * 2


def test_an_endpoint_that_never_answers(
    aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch, hurry: float
) -> None:
    assert hurry
    given_up, waited_for = threading.Event(), []

    def hang(_operation: str, _before: int) -> Refusal:
        waited_for.append(not given_up.wait(60))
        return Refusal("", 0)

    with fronting(aws, hang) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        try:
            said = refusal(f"awskms:{arns[ESP256]}")
        finally:
            given_up.set()
    assert "no answer from" in said
    assert not any(waited_for)


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"", b"{}", b'{"PublicKey": 7}'], ids=repr)
def test_an_endpoint_that_is_not_kms(
    body: bytes, aws: Ministack, arns: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with fronting(aws, lambda _, __: body) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        assert f"{front.url} does not answer as KMS does" in refusal(f"awskms:{arns[ESP256]}")


# Where the private key is

ISSUE = """
import signal, sys, time
from pathlib import Path
from support.passes import approved
from movepass_issuer import Issuer
from movepass_issuer.storage.sqlite_ledger import SqliteLedger
from movepass_keys import signer_from_uri
issuer = Issuer(signer=signer_from_uri(sys.argv[1]), ledger=SqliteLedger(Path(sys.argv[2]), create=True))
signed = [issuer.issue(approved(f"R-{n}", int(time.time()))) for n in range(3)]
print(signed[-1].text, flush=True)
signal.pause()
"""


def find_while_issuing(uri: str, folder: Path, wanted: dict[str, bytes]) -> set[str]:
    """Issue passes in a process of its own, and look at its memory while it still has its signer."""
    process = processes.start(ISSUE, uri, folder / "ledger.sqlite")
    try:
        assert process.stdout
        text = process.stdout.readline().strip()
        assert text.startswith("MP1:")
        assert memory.found(process.pid, {"pass": text.encode()}) == {"pass"}, "the search is blind"
        return memory.found(process.pid, wanted)
    finally:
        process.kill()
        process.communicate()


@BOTH
def test_with_a_key_in_a_file_the_private_key_is_in_the_process(tmp_path: Path, alg: int) -> None:
    """Without this, not finding it elsewhere would show nothing."""
    create_key_file(tmp_path / "key.pem", alg)
    private_key = FileSigner(tmp_path / "key.pem")._private_key
    found = find_while_issuing(f"file:{tmp_path}/key.pem", tmp_path, memory.forms(private_key))
    assert {ESP256: "little-endian", ED25519: "big-endian"}[alg] in found


@BOTH
def test_with_a_key_in_kms_no_private_key_is_in_the_process(aws: Ministack, tmp_path: Path, alg: int) -> None:
    """The key is made here and imported into KMS, so that we know what to look for; ministack's process has it."""
    private_key = algorithms.generate(alg)
    wanted = memory.forms(private_key)
    assert find_while_issuing(f"awskms:{import_key(aws, private_key)}", tmp_path, wanted) == set()
    assert memory.found(aws.pid, wanted) & {"little-endian", "big-endian"}


@BOTH
def test_with_a_wrapped_key_the_private_key_is_in_the_process_while_it_runs(
    aws: Ministack, tmp_path: Path, wrapping: str, alg: int
) -> None:
    """As its docstring says: it trades this for not asking KMS for each pass."""
    create_wrapped_key(tmp_path / "wrapped.json", wrapping, alg)
    wanted = memory.forms(unwrap(aws, tmp_path / "wrapped.json"))
    found = find_while_issuing(f"awskms-wrapped:{tmp_path}/wrapped.json", tmp_path, wanted)
    assert {ESP256: "little-endian", ED25519: "big-endian"}[alg] in found


def import_key(aws: Ministack, private_key: algorithms.PrivateKey) -> str:
    """Import a private key into a new KMS key (API Reference, ImportKeyMaterial)."""
    client = aws.client("kms")
    arn = aws.key(SPECS[algorithms.algorithm_of(private_key)], Origin="EXTERNAL")
    how = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    parameters = client.get_parameters_for_import(KeyId=arn, **how)
    wrapper = load_der_public_key(parameters["PublicKey"])
    assert isinstance(wrapper, RSAPublicKey)
    material = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    client.import_key_material(
        KeyId=arn, ImportToken=parameters["ImportToken"], ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        EncryptedKeyMaterial=wrapper.encrypt(material, OAEP(MGF1(SHA256()), SHA256(), None)),
    )  # fmt: skip
    return arn
