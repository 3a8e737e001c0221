"""Hold a ceremony with the real command: an office, custodians' own folders, and files carried between them."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .conftest import Ran, run_movepass

PASSPHRASE = "four words nobody guesses"


@dataclass
class Table:
    """The folders of the office and the custodians.

    Attributes:
        folder: holds the authority and one folder for each custodian.
        environment: what each custodian's processes need besides, as for a token.
    """

    folder: Path
    environment: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def set(cls, folder: Path, *names: str) -> "Table":
        """Create an authority that waits for its ceremony, and custodians with keys in files."""
        folder.mkdir(exist_ok=True)
        table = cls(folder)
        table.office("init", "--authority", table.authority, "--name", "Test of a ceremony", "--ceremony")
        for name in names:
            table.person(name, "keys", "custodian", folder / name, "--name", name)
        return table

    @property
    def authority(self) -> Path:
        return self.folder / "authority"

    @property
    def roots(self) -> list[Path]:
        """The published roots, oldest first."""
        return sorted((self.authority / "repository" / "metadata").glob("*.root.json"))

    def office(self, *arguments: object, code: int = 0) -> Ran:
        return self.person("office", *arguments, code=code)

    def person(self, who: str, *arguments: object, code: int = 0, given: str = "") -> Ran:
        """Run a command as somebody, and check its exit code."""
        environment = {"MOVEPASS_PASSPHRASE": PASSPHRASE} | self.environment.get(who, {})
        ran = run_movepass(*arguments, cwd=self.folder, given=given, env=environment)
        assert ran.code == code, (ran.out, ran.err)
        return ran

    def propose_root(self, out: str, *options: object) -> None:
        self.office("keys", "propose", "root", "--authority", self.authority, "--out", out, *options)

    def propose_keys(self, out: str, *options: object) -> None:
        self.office("keys", "propose", "keys", "--authority", self.authority, "--out", out, *options)

    def sign(self, who: str, proposal: str, *options: object, code: int = 0) -> Ran:
        """Let a custodian sign, each with the key of their own folder unless --key names another."""
        key = () if "--key" in options else ("--key", self.folder / who)
        out = self.folder / f"{who}.{proposal}.sig"
        return self.person(who, "keys", "sign", proposal, *key, "--out", out, "--yes", *options, code=code)

    def collect(self, proposal: str, *names: str) -> None:
        """Let custodians sign a proposal, and collect."""
        for name in names:
            self.sign(name, proposal)
            self.office("keys", "collect", proposal, f"{name}.{proposal}.sig")

    def publish(self, *proposals: str, code: int = 0) -> Ran:
        return self.office("keys", "publish", "--authority", self.authority, *proposals, code=code)

    def hold(self, number: int, names: tuple[str, ...], *options: object) -> None:
        """Hold a whole ceremony: a root and the pass keys with it."""
        self.propose_root(f"root-{number}", *options)
        first = ("--add", self.first_kid) if number == 1 else ()
        self.propose_keys(f"keys-{number}", "--with", f"root-{number}", *first)
        for proposal in (f"root-{number}", f"keys-{number}"):
            self.collect(proposal, *names)
        self.publish(f"root-{number}", f"keys-{number}")

    def cards(self, *names: str) -> list[object]:
        return [part for name in names for part in ("--card", self.folder / name / "card.json")]

    @property
    def first_kid(self) -> str:
        (path,) = (self.authority / "keys").glob("pass-*.pem")
        return path.stem.removeprefix("pass-")

    def copy(self, folder: Path) -> "Table":
        """Copy the table with everything on it."""
        shutil.copytree(self.folder, folder)
        return Table(folder, dict(self.environment))
