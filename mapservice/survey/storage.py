"""Files that people send, each kept once under the digest of what is in it.

The content comes first and the row that names it after: whatever is cut off between the two leaves a file
that nobody names, which `sweep` removes once it is a day old, and never a row without its file.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
DAY_S = 24 * 3600
CHUNK = 1024 * 1024
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
INCOMING = "incoming"
RESERVE_BYTES = 100 * 1024 * 1024
"""So much of the disk is left alone: the database may stand on it too."""


class NoRoom(Exception):
    """There is no room for the file; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was kept: its digest, and how long it is."""

    sha256: str
    bytes: int


def folder_of(var_dir: Path) -> Path:
    """Where the files are kept."""
    return var_dir / "uploads"


def bare_name(given: str) -> str:
    """The name that a file came with, without folders and without what nobody sees."""
    last = re.split(r"[/\\]", given)[-1]
    return "".join(letter for letter in last if letter.isprintable())


def path_of(folder: Path, sha256: str) -> Path:
    """Where the content with a digest lies, or would; raises ValueError for what is no digest."""
    if not DIGEST.fullmatch(sha256):
        raise ValueError("not a digest")
    return folder / sha256[:2] / sha256


def keep(folder: Path, content: bytes | BinaryIO) -> Stored:
    """Keep a content, safe on the disk when this returns; the same again is kept once. Raises NoRoom."""
    if free_bytes(folder) < RESERVE_BYTES:
        raise NoRoom("there is no room for more files")
    try:
        incoming = folder / INCOMING
        incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=incoming) as draft:
            digest = hashlib.sha256()
            length = 0
            for chunk in _chunks(content):
                digest.update(chunk)
                length += len(chunk)
                draft.write(chunk)
            draft.flush()
            os.fsync(draft.fileno())
            stored = Stored(digest.hexdigest(), length)
            _settle(folder, Path(draft.name), path_of(folder, stored.sha256))
        return stored
    except OSError as error:
        if error.errno in DISK_FULL:
            raise NoRoom("there is no room for more files") from error
        raise


def sweep(
    folder: Path, named: Callable[[Collection[str]], Collection[str]], older_than_s: float = DAY_S
) -> int:
    """Remove what nobody names and what was cut off, once old enough; says how many files went.

    `named` gives those of some digests that a row names.
    """
    if not folder.is_dir():
        return 0
    before = time.time() - older_than_s
    removed = 0
    for part in sorted(folder.iterdir()):
        if not part.is_dir():
            continue
        old = {file.name: file for file in part.iterdir() if file.stat().st_mtime < before}
        wanted = set() if part.name == INCOMING else set(named(sorted(old)))
        for name, file in old.items():
            if name in wanted:
                continue
            with _alone(folder):
                # Looked at again: somebody may have sent the same content a moment ago.
                if file.exists() and file.stat().st_mtime < before:
                    file.unlink()
                    removed += 1
    return removed


def free_bytes(folder: Path) -> int:
    """How much room the disk of the files has left."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _chunks(content: bytes | BinaryIO) -> Iterator[bytes]:
    source = BytesIO(content) if isinstance(content, bytes) else content
    while chunk := source.read(CHUNK):
        yield chunk


def _settle(folder: Path, draft: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with _alone(folder):
        if target.exists():
            os.utime(target)  # young again, so that it is not swept before a row names it
            return
        os.link(draft, target)
    for parent in (target.parent, folder):
        descriptor = os.open(parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
