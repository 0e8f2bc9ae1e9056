"""Virtual environments of the peers, as their requirements files here pin them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import venv
from pathlib import Path

from mapservice.settings import REPOSITORY

HERE = Path(__file__).parent
HOME = REPOSITORY / "var" / "bench"


class PeerMissing(Exception):
    """A peer could not be installed; the message says why."""


def environment(name: str) -> Path:
    """The folder of programs of a peer's environment, made first where it is not there as pinned.

    Raises PeerMissing, with the end of what pip said.
    """
    requirements = HERE / f"{name}.txt"
    folder = HOME / name
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {name} into {folder.relative_to(REPOSITORY)} (once).", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        done = subprocess.run(
            [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--requirement", requirements],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise PeerMissing(f"{name} could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(wanted)
    return folder / "bin"


def version(name: str) -> str:
    """The version of a peer that is pinned."""
    found = re.search(rf"^{name}==(\S+)", (HERE / f"{name}.txt").read_text(), re.MULTILINE)
    return found[1] if found else "?"
