"""The commands and programs that the documents show: there, and where this machine has what it takes, run in order.

What a document leaves to its reader stands here: what is there to begin with, what people do between two commands, and
what cannot be run here and why.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.audit_example import make_example
from support.forked import write_movepass
from support.month_of_facts import write_month
from support.processes import environment
from support.trips import HOUR, NOW, decide, submit, trip

from movepass_cli.main import cli
from movepass_issuer import ApprovedPass
from movepass_issuer.authority.creation import create_authority
from movepass_keys import create_key_file
from movepass_service.rules import default_rules
from movepass_service.rules.columns import COLUMNS
from movepass_service.statistics.folder import facts_folder
from movepass_service.stores.sqlite.store import SqliteStore
from movepass_service.stores.store import Officer
from movepass_verifier import Device
from movepass_verifier.auditing.findings import FAILURES, NOTICES
from movepass_wire.payload import ED25519

from .reading import DOCUMENTS, ROOT, Shown, commands, programs, wrong

DOCS = ROOT / "docs"
AWS = "needs AWS; tests/aws plays docs/aws.md, facts.md and regions.md, tests/keys/test_kms.py docs/kms.md"
SAID = "y\ny\n"
"""What people answer: yes, where they are asked."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_command_that_a_document_shows_is_there_with_its_options(path: Path) -> None:
    assert [(shown.text, wrong(shown)) for shown in commands(path) if wrong(shown)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("movepass verfy --store device x", "no command 'verfy'"),
        ("movepass keys propose roots", "no command 'roots'"),
        ("movepass verify --stores device x", "No such option"),
        ("movepass sync --store", "Option '--store' requires an argument."),
        ("movepass keys publish --authority A", "lacks PROPOSALS"),
        ("movepass verify --store … --stores", "no option --stores"),
    ],
)
def test_a_command_that_is_not_there_is_noticed(text: str, expected: str) -> None:
    found = wrong(Shown(text, whole=True))
    assert found
    assert found.startswith(expected)


@dataclass
class Reader:
    """Somebody who follows a document in a folder of their own, which is also their home.

    Attributes:
        knows: what stands in the document for something of the reader's own.
    """

    folder: Path
    knows: dict[str, str] = field(default_factory=dict)

    def run(self, line: str, home: str = ".") -> "subprocess.CompletedProcess[str]":
        """Type a line into a shell."""
        for name, value in self.knows.items():
            line = value.join(re.split(rf"(?<!\w){name}(?!\w)", line))
        set_ = {"HOME": str(self.folder / home), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        kept = {name: value for name, value in environment().items() if not name.startswith("MOVEPASS_")}
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=kept | set_ | {"MOVEPASS_PASSPHRASE": "twelve characters"},
            input=SAID, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def do(self, lines: str, home: str = ".") -> None:
        """Do what the document says in a sentence, or takes for granted."""
        done = self.run(f"set -e\n{lines}", home)
        assert done.returncode == 0, done.stderr

    def follow(
        self,
        path: Path,
        *,
        before: Mapping[str, str] | None = None,
        ends: Mapping[str, int] | None = None,
        elsewhere: tuple[str, ...] = (),
    ) -> list[str]:
        """Type every command that a document shows to be typed.

        Args:
            path: the document.
            before: what else is done before the commands that begin so; before each of them once.
            ends: exit codes of the commands that begin so; 0 of all others.
            elsewhere: beginnings of commands that are not run here.

        Returns:
            What each printed.
        """
        waiting, printed, left_out = dict(before or {}), [], set()
        for shown in commands(path):
            if not shown.whole:
                continue
            if skipped := [start for start in elsewhere if shown.text.startswith(start)]:
                left_out |= set(skipped)
                continue
            for start in [start for start in waiting if shown.text.startswith(start)]:
                self.do(waiting.pop(start))
            done = self.run(shown.text)
            expected = next((code for start, code in (ends or {}).items() if shown.text.startswith(start)), 0)
            assert done.returncode == expected, (shown.text, done.stdout, done.stderr)
            printed.append(done.stdout)
        assert waiting == {}, "the document has changed: these commands are gone"
        assert left_out == set(elsewhere)
        return printed


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader who has movepass installed, and nothing else."""
    (tmp_path / "bin").mkdir()
    write_movepass(tmp_path / "bin" / "movepass")
    return Reader(tmp_path)


def approved() -> str:
    """Give the first example of a request, as it would be approved now."""
    document = json.loads((ROOT / "examples" / "approved.jsonl").read_text("utf-8").splitlines()[0])
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    ends = begins + timedelta(hours=3)
    return json.dumps(document | {"not_before": begins.isoformat(), "not_after": ends.isoformat()})


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what most documents take for granted, made once.

    It has an authority, A, an approved request, the pass it became as photo.png, and a device that has synced.
    """
    folder = tmp_path_factory.mktemp("office")
    (folder / "request.json").write_text(approved())
    authority = create_authority(folder / "A", name="Dhaka Metropolitan Police", test=False)
    with authority.issuer() as issuer:
        signed = issuer.issue(ApprovedPass.from_json(approved()))
    (folder / "photo.png").write_bytes(signed.png())
    (folder / "number").write_text(signed.number)
    Device.enroll(folder / "device", root=authority.root_path.read_bytes(), sources=[str(authority.repository_path)])
    with Device.open(folder / "device") as device:
        device.sync()
    return folder


@pytest.fixture
def settled(reader: Reader, office: Path) -> Reader:
    """A reader in whose folder all that is there already."""
    shutil.copytree(office, reader.folder, dirs_exist_ok=True)
    return reader


def test_readme_shows_what_an_accept_looks_like(settled: Reader) -> None:
    (printed,) = settled.follow(ROOT / "README.md")
    shown = (ROOT / "README.md").read_text("utf-8").split("photo.png\n")[1].split("\n\n")[0]
    assert _alike(printed) == _alike("\n".join(line[4:] for line in shown.splitlines()))


_DAY = r"\d{1,2} [A-Z][a-z]{2}( \d{4})?"
_VARIES = re.compile(
    rf"{_DAY}, \d\d:\d\d( to ({_DAY}, )?\d\d:\d\d)?|Lists .*|[0-9A-Z]{{3}}-[0-9A-Z]{{3}}-[0-9A-Z]{{3}}"
)
"""Times, ages, pass numbers, and when a pass is valid, on one day or across midnight."""


def _alike(text: str) -> list[str]:
    """Return the lines without what differs from pass to pass."""
    return [line.rstrip() for line in _VARIES.sub("*", text).splitlines()]


def test_officer(settled: Reader) -> None:
    settled.do("movepass verify --store device photo.png")
    status, _, journal, export = settled.follow(DOCS / "officer.md")
    assert "READY" in status
    assert "1" in journal
    assert export.startswith("hour,outcome,verdict,")


def test_it_desk(settled: Reader) -> None:
    settled.knows["9B0-00C-6MR"] = "$(cat number)"
    settled.do(
        "mv A my-authority; mv photo.png test-pass.png\n"
        "movepass enrolment --authority my-authority --source my-authority/repository --file enrolment.json"
    )
    printed = settled.follow(
        DOCS / "it-desk.md",
        before={"movepass enrolment": "rm enrolment.json"},
        ends={"movepass check-number": 3},
        elsewhere=("movepass enroll --store movepass", "movepass sync --store movepass"),  # on a hundred hosts
    )
    assert any("ACCEPT" in text for text in printed)
    assert any("is as it should be" in text for text in printed)


def test_hardening(settled: Reader) -> None:
    settled.knows |= {"/var/lib/movepass": "device", "test-pass.png": "photo.png"}
    settled.follow(DOCS / "hardening.md", elsewhere=("movepass enroll",))  # as root; docs/it-desk.md does the same


def test_ceremony(reader: Reader) -> None:
    others = "\n".join(
        f"HOME=$PWD/{name} movepass keys custodian {name}/custodian --name {name.title()}\n"
        f"cp {name}/custodian/card.json {name}.card.json"
        for name in ("kamal", "joy")
    )
    signs = "movepass keys sign {0} --key kamal/custodian --yes --out kamal.{0}.sig"
    reader.knows["KID"] = "$(ls A/keys | sed -n 's/pass-\\(.*\\).pem/\\1/p')"
    printed = reader.follow(
        DOCS / "ceremony.md",
        before={
            "movepass keys fingerprint": f"cp ~/custodian/card.json rahima.card.json\n{others}",
            "movepass keys collect root-1": signs.format("root-1"),
            "movepass keys collect keys-1": signs.format("keys-1"),
            "movepass keys remember": "cp A/repository/metadata/1.root.json .",
        },
        elsewhere=("movepass keys custodian ~/custodian --name Rahima --root-key",),  # a token: tests/cli/test_token.py
    )
    assert "Published" in printed[-2]
    assert "Accepted" in printed[-1]


def test_drills(settled: Reader) -> None:
    (key,) = (settled.folder / "A" / "keys").glob("pass-*.pem")
    settled.knows["KID"] = key.stem.removeprefix("pass-")
    settled.knows["NEW"] = f"$(ls A/keys | sed -n '/{key.stem}/d; s/pass-\\(.*\\).pem/\\1/p')"
    signs = "\n".join(
        f"movepass keys sign P --key A/custodians/{n} --yes --out {n}.sig; movepass keys collect P {n}.sig"
        for n in (1, 2)
    )
    settled.follow(DOCS / "drills.md", before={"movepass keys publish P": signs})
    assert "Rahima" in (settled.folder / "reissued.jsonl").read_text("utf-8")


def test_integrate(reader: Reader) -> None:
    issues, verifies = programs(DOCS / "integrate.md")
    for name, program in (("issues.py", issues), ("verifies.py", verifies)):
        (reader.folder / name).write_text(program)
    run = sys.executable
    printed = reader.follow(
        DOCS / "integrate.md",
        before={
            "movepass enroll": f"{run} issues.py",
            "movepass status": f"{run} verifies.py > said.txt",
        },
        ends={"movepass verify": 1},
    )
    assert (reader.folder / "said.txt").read_text("utf-8").startswith("REJECT\n  revoked")
    assert "revoked" in printed[-2]


def test_rules(reader: Reader) -> None:
    store = SqliteStore(reader.folder / "service")
    for name, role in (("Rahima", "rule-author"), ("Kamal", "supervisor")):
        store.add_officer(Officer(name, role), b"", NOW)
        create_key_file(reader.folder / f"{name.lower()}.pem", ED25519)
    store.add_rules(default_rules().version, default_rules().table.source, NOW)
    for number in range(4):
        submit(store, f"R{number}", trip("1990123456", NOW + (number + 1) * 2 * HOUR), NOW + number)
    decide(store, NOW + 9)
    store.close()
    changed = default_rules().table.source.replace("{ at_least = 3 }", "{ at_least = 2 }")
    (reader.folder / "rules.toml").write_text(changed.replace('version = "2021-04-14"', 'version = "2021-04-20"'))
    reader.knows["DIR"] = "service"
    checked, replayed, drafted, confirmed = reader.follow(DOCS / "rules.md")
    assert "is sound" in checked
    assert "approve (within-limits) -> reject (three-a-day): 1" in replayed
    assert "is a draft" in drafted
    assert "is in force" in confirmed


def test_reports(reader: Reader) -> None:
    data = reader.folder / "my-authority" / "service"
    with closing(SqliteStore(data)) as store:
        store.add_officer(Officer("Rumana Islam", "manager"), b"", NOW)
    first = datetime.now(UTC).date() - timedelta(days=5)
    write_month(facts_folder(data), 400, first=first, days=5, posts=0.01)
    shell = 'movepass report shell --data my-authority/service --as "Rumana Islam"'
    ends = {f"{shell} --query": 0, shell: 2}  # what the reader types there is no query
    listed, decided, revoked, refused, _, asked, _ = reader.follow(DOCS / "reports.md", ends=ends)
    assert "time-to-decision: How long" in listed
    assert decided.startswith("Time to decision, 2021-04-14 to 2021-04-20")
    assert "all," in revoked
    assert "দিন" in refused
    assert (reader.folder / "quotas.svg").exists()
    assert "applied" in asked


def test_the_auditors_page_finds_the_sold_pass(reader: Reader) -> None:
    """What it shows is what is printed, but for numbers of passes and times."""
    make_example(reader.folder)
    wrong_copies = (
        "copies --issued ledger.jsonl",
        "copies --issued copies --store device --passes",
        "--head mine.head",
    )
    ends = {
        f"movepass audit --decisions {wrong_copies[0]}": 1,
        f"movepass audit --decisions {wrong_copies[1]}": 1,
        f"movepass audit {wrong_copies[2]}": 1,
    }
    _, *printed = reader.follow(DOCS / "audit.md", ends=ends)
    page = (DOCS / "audit.md").read_text("utf-8")
    shown = list(re.findall(r"^ +movepass audit .*\n((?: +[^ m].*\n)+)", page, re.MULTILINE))
    assert len(shown) == 4
    assert [_plain(text) for text in shown] == [_plain(text) for text in printed[:4]]


def _plain(text: str) -> str:
    """Leave out how lines are broken, times, days and pass numbers."""
    words = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "TIME", " ".join(text.split()))
    return re.sub(r"[0-9A-Z]{3}(-[0-9A-Z]{3}){2}", "NUMBER", words)


def test_the_auditors_page_says_what_each_finding_means() -> None:
    text = (DOCS / "audit.md").read_text("utf-8").split("## What each finding means")[1].split("\n## ")[0]
    wrong_ones, to_look_at = text.split("| to look at |")
    first_cells = [
        re.findall(r"`([a-z-]+)`", row.split("|")[1]) for row in wrong_ones.splitlines() if row.startswith("| `")
    ]
    assert sorted(code for codes in first_cells for code in codes) == sorted(FAILURES)
    first_cells = [
        re.findall(r"`([a-z-]+)`", row.split("|")[1]) for row in to_look_at.splitlines() if row.startswith("| `")
    ]
    assert sorted(code for codes in first_cells for code in codes) == sorted(NOTICES)


def test_the_columns_of_the_rules_are_those_that_the_document_names() -> None:
    text = (DOCS / "rules.md").read_text("utf-8").split("| column |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)) >= {
        f"`{name}`" for name in COLUMNS if "dist" not in name
    }
    words = {word for name in ("reason", "evidence") for word in COLUMNS[name].words}
    assert words <= set(re.findall(r"`(.*?)`", text))


def test_the_readmes_exit_codes_are_those_of_the_help() -> None:
    codes = re.compile(r"Exit codes:(.*?)\.\n", re.DOTALL)
    readme, shown = codes.search((ROOT / "README.md").read_text("utf-8")), codes.search(f"{cli.epilog}\n")
    assert readme
    assert shown
    assert readme[1].split() == shown[1].split()


def test_what_is_not_run_here_is_run_elsewhere_or_needs_aws() -> None:
    """A document with commands to be typed that nobody follows would not be noticed otherwise."""
    followed = {
        "README.md", "hardening.md", "officer.md", "it-desk.md", "ceremony.md", "drills.md", "integrate.md", "rules.md",
        "audit.md", "reports.md",
    }  # fmt: skip
    typed = {path.name for path in DOCUMENTS if any(shown.whole for shown in commands(path))}
    assert typed - followed == {"aws.md", "facts.md", "kms.md", "regions.md"}, AWS
