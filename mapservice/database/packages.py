"""Finds the programs the service needs, and installs the distribution's packages where it may."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mapservice.settings import OperatorError

Say = Callable[[str], None]

BIN_PATTERNS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")
"""Where Debian and Ubuntu, Red Hat's relatives and a build from source put PostgreSQL's programs."""

HEADLESS_NAME = "chromium-headless-shell"
CHROMIUM_NAMES = (HEADLESS_NAME, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Debian starts a cluster of its own on port 5432 when PostgreSQL is first installed. Nobody asked for one,
# so a drop-in says no while our packages install; it is removed again, whatever happens.
APT_SCRIPT = """
set -eu
drop_in=/etc/postgresql-common/createcluster.d/mapservice.conf
if [ ! -d /usr/lib/postgresql ]; then
  mkdir -p "${drop_in%/*}"
  trap 'rm -f "$drop_in"' EXIT
  echo "create_main_cluster = false" > "$drop_in"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
"""


class PackagesMissing(OperatorError):
    """Programs are missing and could not be installed; the message says what to type."""


@dataclass(frozen=True)
class PostgresBinaries:
    """One installed PostgreSQL that has PostGIS: its major version, its programs, PostGIS's version."""

    major: int
    bin_dir: Path
    postgis: str

    def program(self, name: str) -> str:
        """The full path of one of its programs, such as `initdb`."""
        return str(self.bin_dir / name)


@dataclass(frozen=True)
class Extra:
    """What the service can do without: one of some programs, or libraries, and the packages with them."""

    purpose: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    def find(self) -> str | None:
        """The full path of the first of its programs that is installed, or its libraries if all are."""
        if self.libraries and all(_loads(name) for name in self.libraries):
            return ", ".join(self.libraries)
        return next((path for name in self.programs if (path := shutil.which(name))), None)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


# Fonts come along because Chromium without any draws every letter as an empty box.
CHROMIUM = Extra("browser tests", CHROMIUM_NAMES, ("chromium", "fonts-liberation"))
# Chromium without what draws its windows: a page of a test costs less than half. Not every system has it.
HEADLESS = Extra("quick browser tests", (HEADLESS_NAME,), (HEADLESS_NAME, "fonts-liberation"))
GDAL = Extra("tests with GDAL as a client", ("ogrinfo",), ("gdal-bin",))
# WeasyPrint lays text out with Pango, which draws nothing without a font.
PDF = Extra(
    "meeting packs as PDF",
    (),
    ("libpango-1.0-0", "libpangoft2-1.0-0", "fonts-liberation"),
    ("libpango-1.0.so.0", "libpangoft2-1.0.so.0"),
)
TEST_EXTRAS = (CHROMIUM, GDAL, PDF)


def find_postgres(
    major: int | None = None, bin_dirs: Iterable[Path] | None = None
) -> PostgresBinaries | None:
    """The newest installed PostgreSQL that has PostGIS, or the one of version `major`, or None."""
    found = [
        binaries
        for directory in (candidate_bin_dirs() if bin_dirs is None else bin_dirs)
        if (binaries := inspect_bin_dir(directory)) and major in (None, binaries.major)
    ]
    return max(found, key=lambda binaries: binaries.major, default=None)


def candidate_bin_dirs() -> list[Path]:
    """Folders where PostgreSQL's server programs may be: as pg_config says, as packaged, and from PATH."""
    directories = []
    if pg_config := shutil.which("pg_config"):
        answer = _output([pg_config, "--bindir"])
        directories += [Path(answer)] if answer else []
    for pattern in BIN_PATTERNS:
        directories += sorted(Path("/").glob(pattern.lstrip("/")))
    if postgres := shutil.which("postgres"):
        directories.append(Path(postgres).resolve().parent)
    return list(dict.fromkeys(directories))


def inspect_bin_dir(directory: Path) -> PostgresBinaries | None:
    """What is in a folder of PostgreSQL programs; None unless it can run a server with PostGIS."""
    if not all(os.access(directory / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", _output([str(directory / "postgres"), "--version"]))
    if not version:
        return None
    major = int(version[1])
    share = _output([str(directory / "pg_config"), "--sharedir"]) or f"/usr/share/postgresql/{major}"
    try:
        control = (Path(share) / "extension" / "postgis.control").read_text()
    except OSError:
        return None
    postgis = re.search(r"default_version\s*=\s*'([^']+)'", control)
    return PostgresBinaries(major, directory, postgis[1] if postgis else "unknown")


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def ensure_postgres(say: Say, major: int | None = None) -> PostgresBinaries:
    """PostgreSQL with PostGIS, installed first where it is missing and that is allowed.

    `major` asks for the version an existing cluster was made with. Raises `PackagesMissing`.
    """
    if binaries := find_postgres(major):
        return binaries
    what = f"PostgreSQL {major} with PostGIS" if major else "PostgreSQL with PostGIS"
    install(what, lambda: postgres_packages(major), say)
    if binaries := find_postgres(major):
        return binaries
    raise PackagesMissing(f"{what} is installed now but its programs were not found. {_other_ways()}")


def offer(extra: Extra, say: Say, tried: Path | None = None) -> None:
    """Install what the service can do without, where that is allowed; say what is lacking where it is not.

    `tried` is a file that remembers what could not be installed, so that not every start waits for apt.
    """
    wanted = " ".join(extra.packages)
    before = tried.read_text().splitlines() if tried is not None and tried.is_file() else []
    if wanted not in before:
        with suppress(PackagesMissing):
            ensure_extras([extra], say)
    if extra.find():
        return
    if tried is not None and wanted not in before and privilege_prefix() is not None:
        tried.parent.mkdir(parents=True, exist_ok=True)
        tried.write_text("".join(f"{line}\n" for line in (*before, wanted)))
    say(f"There will be no {extra.purpose} until somebody installs {wanted}. All else works.")


def ensure_extras(extras: Iterable[Extra], say: Say) -> None:
    """Install what is needed besides PostgreSQL; raises `PackagesMissing`."""
    missing = [extra for extra in extras if not extra.find()]
    if missing:
        packages = [package for extra in missing for package in extra.packages]
        install(" and ".join(extra.purpose for extra in missing), lambda: packages, say)


def postgres_packages(major: int | None = None) -> list[str]:
    """The distribution's packages for PostgreSQL with PostGIS: the newest, unless `major` is given."""
    names = _output(["apt-cache", "search", "--names-only", r"^postgresql-[0-9]+-postgis-3$"])
    offered = sorted(
        int(number) for number in re.findall(r"^postgresql-(\d+)-postgis-3\b", names, re.MULTILINE)
    )
    if major is None and offered:
        major = offered[-1]
    if major is None or (offered and major not in offered):
        # Unknown here: let apt name what it lacks rather than guess.
        return (
            [f"postgresql-{major}", f"postgresql-{major}-postgis-3"] if major else ["postgresql", "postgis"]
        )
    return [f"postgresql-{major}", f"postgresql-{major}-postgis-3"]


def install(what: str, choose: Callable[[], Sequence[str]], say: Say) -> None:
    """Install the packages `choose()` names with apt; `choose` is asked after apt's lists are fresh.

    Raises `PackagesMissing` with the command to type where apt or the rights to use it are missing.
    """
    if not shutil.which("apt-get"):
        raise PackagesMissing(f"{what} is missing, and this system has no apt. {_other_ways()}")
    prefix = privilege_prefix()
    if prefix is None:
        command = f"sudo apt-get update && sudo apt-get install --yes {' '.join(choose())}"
        raise PackagesMissing(
            f"{what} is missing. Type this (it needs an administrator), then try again:\n  {command}"
        )
    say(f"Installing what is needed for {what} with apt; this takes a minute or two, once.")
    # Lists that cannot be refreshed may still be good enough; the installation itself tells.
    updated = _run([*prefix, "apt-get", "-o", "DPkg::Lock::Timeout=300", "update"])
    packages = list(choose())
    installed = _run([*prefix, "sh", "-c", APT_SCRIPT, "sh", *packages])
    if installed.returncode != 0:
        said = _last_lines(installed) + ("" if updated.returncode == 0 else "\n" + _last_lines(updated))
        raise PackagesMissing(
            f"apt could not install {' '.join(packages)}. It said:\n{said}\n"
            f"Put that right, or type: sudo apt-get install {' '.join(packages)}"
        )


def privilege_prefix() -> list[str] | None:
    """How to run a command as root: [] as root itself, sudo where it works, None where there is no way.

    A sudo that asks for a password counts only where a person sits at the terminal to type it.
    """
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if not sudo:
        return None
    if subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return [sudo] if sys.stdin.isatty() and sys.stderr.isatty() else None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # stdin stays, so that sudo can ask for the password on the terminal.
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def _last_lines(done: subprocess.CompletedProcess[str], count: int = 8) -> str:
    return "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-count:])


def _other_ways() -> str:
    return (
        "Install PostgreSQL 14 or newer with PostGIS 3 from your system's packages, "
        "or set DATABASE_URL to a database that has it, or use Docker: docker compose up"
    )
