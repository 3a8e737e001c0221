"""Another implementation of TUF, tuf-js from the npm registry, follows what we publish, from the first root on."""

import hashlib
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from drills.conftest import Drill
from support.repositories import logs_of

from movepass_issuer.authority.ceremony_desk import propose_keys, propose_root
from movepass_issuer.authority.creation import Elsewhere, create_authority
from movepass_issuer.publishing.published import read_keys_document
from movepass_issuer.publishing.publisher import Publisher
from movepass_keys import FileSigner, create_key_file
from movepass_keys.ceremony.proposal import KeyChange
from movepass_wire.payload import ESP256

HERE = Path(__file__).with_name("tuf_js")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def tuf_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script with tuf-js installed beside it."""
    if not shutil.which("npm"):
        pytest.skip("NOT TESTED: npm is missing, which brings tuf-js; on Debian: apt install nodejs npm")
    folder = tmp_path_factory.mktemp("tuf-js")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=folder, check=True, timeout=120
    )
    return folder


def test_tuf_js_follows_two_roots_and_gets_keys_and_lists(tuf_js: Path, tmp_path: Path) -> None:
    online = [tmp_path / f"online-{region}.pem" for region in range(2)]  # two regions publish
    for path in online:
        create_key_file(path, ESP256)
    elsewhere = Elsewhere(online_signers=tuple(f"file:{path}" for path in online))
    authority = create_authority(tmp_path / "authority", name="Interop", test=True, elsewhere=elsewhere)
    drill = Drill(tmp_path)
    (signed,) = drill.issue("a")
    with drill.authority.issuer() as issuer:
        issuer.revoke(number=signed.number)
    root = propose_root(drill.authority, [], now=int(signed.pass_.trip.not_before) + 3600)
    drill.agree(root, propose_keys(drill.authority, KeyChange(), now=root.proposed_at, root=root))
    ledger = authority.ledger()
    other = Publisher(repository=authority.repository, ledger=ledger, signer=FileSigner(online[1]))
    other.publish(root.proposed_at + 1)
    ledger.close()
    (tmp_path / "js").mkdir()
    day = signed.pass_.day
    log = logs_of(authority.repository_path)[day]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(authority.repository_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            ["node", "follow.js", authority.root_path, f"http://127.0.0.1:{server.server_port}", tmp_path / "js",
             "keys.jwks.json", f"status/{day}.log"],
            cwd=tuf_js, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    expected = [read_keys_document(authority.repository), log]
    assert done.stdout.splitlines() == [f"{len(data)} {hashlib.sha256(data).hexdigest()}" for data in expected]
