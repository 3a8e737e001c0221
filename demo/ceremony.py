"""Plays a ceremony with the real command: three custodians in three folders, two of three must sign.

Root version 1 is made and a device enrolled with it; then one custodian loses her keys, root version 2 puts another
in her place, and the device follows. What each person does and sees is printed. It fails if anything goes otherwise.
"""

import shutil
import sys
from datetime import datetime
from pathlib import Path

from run import EXAMPLES_NOW, Story, approved_for_today

PASSPHRASE = "four words nobody guesses"


class Ceremony(Story):
    """The demo's folder, with one folder inside it for each person's machine."""

    def person(self, who: str, *arguments: str, fails: bool = False) -> str:
        """Let somebody run a command, and show what they see."""
        print(f"\n[{who}]", end=" ")
        result = self.movepass(*arguments, environment={"MOVEPASS_PASSPHRASE": PASSPHRASE})
        print("   " + (result.stdout + result.stderr).strip().replace("\n", "\n   "))
        if bool(result.returncode) != fails:
            sys.exit(f"ceremony: expected that to {'be refused' if fails else 'succeed'}")
        return result.stdout

    def carry(self, source: str, target: str) -> None:
        """Carry a file on a stick."""
        print(f"    … {source} goes to {target} on a stick")
        shutil.copy(self.folder / source, self.folder / target)

    def signed_by(self, proposal: str, *people: str) -> None:
        """Have people sign a proposal, each on a machine of their own, and collect."""
        for name in people:
            self.carry(f"office/{proposal}", f"{name}/{proposal}")
            self.person(name, "keys", "sign", f"{name}/{proposal}", "--key", f"{name}/keys", "--yes",
                        "--out", f"{name}/{proposal}.sig")  # fmt: skip
            self.carry(f"{name}/{proposal}.sig", f"office/{name}.{proposal}.sig")
            self.person("office", "keys", "collect", f"office/{proposal}", f"office/{name}.{proposal}.sig")


def play(story: Ceremony) -> None:
    """Play both ceremonies."""
    authority = "office/authority"
    for name in ("office", "rahima", "kamal", "joy", "lina"):
        (story.folder / name).mkdir()

    print("\n--- Before the first ceremony: keys, each on its owner's machine; only the cards travel")
    story.person("office", "init", "--authority", authority, "--name", "Demo authority", "--ceremony")
    for name in ("rahima", "kamal", "joy", "lina"):
        story.person(name, "keys", "custodian", f"{name}/keys", "--name", name.capitalize())
        story.carry(f"{name}/keys/card.json", f"office/{name}.card.json")

    print("\n--- The first ceremony: who the custodians are, and the first pass key")
    cards = [part for name in ("rahima", "kamal", "joy") for part in ("--card", f"office/{name}.card.json")]
    story.person("office", "keys", "propose", "root", "--authority", authority, *cards, "--threshold", "2",
                 "--out", "office/root-1")  # fmt: skip
    story.person("office", "keys", "propose", "keys", "--authority", authority, "--add", first_key(story, authority),
                 "--with", "office/root-1", "--out", "office/keys-1")  # fmt: skip
    story.signed_by("root-1", "rahima")
    print("\n    One signature is not enough:")
    publish = ("keys", "publish", "--authority", authority)
    story.person("office", *publish, "office/root-1", "office/keys-1", fails=True)
    story.signed_by("root-1", "kamal")
    story.signed_by("keys-1", "rahima", "joy")
    story.person("office", *publish, "office/root-1", "office/keys-1")

    print("\n--- Each custodian's folder holds to that root from now on")
    for name in ("rahima", "kamal", "joy"):
        story.carry(f"{authority}/repository/metadata/1.root.json", f"{name}/1.root.json")
        story.person(name, "keys", "remember", "--key", f"{name}/keys", "--yes", f"{name}/1.root.json")

    print("\n--- A device is enrolled with root version 1, and a pass is issued")
    root = f"{authority}/repository/metadata/1.root.json"
    story.person("office", "keys", "fingerprint", root)
    story.person("device", "enroll", "--store", "device", "--root", root, "--source", f"{authority}/repository")
    story.person("device", "sync", "--store", "device")
    (issued,) = story.done(
        "issue", "--authority", authority, "-", given=approved_for_today(datetime.now(EXAMPLES_NOW.tzinfo))[0]
    )
    story.check("a pass, device enrolled with root 1", issued["text"], "accept: valid")

    print("\n--- Rahima's laptop is stolen. Kamal and Joy put Lina in her place")
    story.person("office", "keys", "propose", "root", "--authority", authority, "--without", "Rahima",
                 "--card", "office/lina.card.json", "--out", "office/root-2")  # fmt: skip
    story.signed_by("root-2", "kamal", "joy")
    print("\n    Rahima's signature under the pass keys counts no more: they are signed again, and both published:")
    story.person("office", *publish, "office/root-2", fails=True)
    story.person("office", "keys", "propose", "keys", "--authority", authority, "--with", "office/root-2",
                 "--out", "office/keys-2")  # fmt: skip
    story.signed_by("keys-2", "joy", "lina")
    story.person("office", *publish, "office/root-2", "office/keys-2")
    story.person("device", "sync", "--store", "device")
    story.check("the same pass, device followed to root 2", issued["text"], "accept: valid")

    print("\n--- Whoever has Rahima's keys has no say any more")
    story.person("office", "keys", "propose", "root", "--authority", authority, "--threshold", "1",
                 "--out", "office/root-3")  # fmt: skip
    story.carry("office/root-3", "rahima/root-3")
    story.person("thief", "keys", "sign", "rahima/root-3", "--key", "rahima/keys", "--yes", "--out", "rahima/sig",
                 fails=True)  # fmt: skip


def first_key(story: Ceremony, authority: str) -> str:
    """Return the kid of the pass key that init made."""
    (path,) = (story.folder / authority / "keys").glob("pass-*.pem")
    return path.stem.removeprefix("pass-")


def main() -> None:
    """Play the ceremonies in a folder, and fail if anything was not as expected."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    story = Ceremony(folder)
    play(story)
    story.finish("office/  rahima/  kamal/  joy/  lina/  device/")


if __name__ == "__main__":
    main()
