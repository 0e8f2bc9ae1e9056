"""What `mapservice doctor` finds out: what there is, what is missing, what a start would do."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from mapservice.database import locks, packages, roles
from mapservice.database.cluster import Cluster, data_version
from mapservice.database.engines import address, plain_url
from mapservice.database.opening import describe, lock_file
from mapservice.settings import REPOSITORY, Settings, mask_password

LEAST_FREE_BYTES = 1_000_000_000
OLDEST_PYTHON = (3, 11)

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `missing` stops the service (a start may mend it), a `note` does not."""

    state: State
    what: str
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything the service needs on this machine."""
    return [
        _python(),
        *_requirements(),
        *(_server(settings) if settings.database_url is not None else _private_database(settings)),
        _geodata(settings.geodata_dir),
        _front_end(),
        _disk(settings.var_dir),
        _extra(packages.PDF, "make run"),
        *(_extra(extra, "make test") for extra in packages.TEST_EXTRAS if extra is not packages.PDF),
    ]


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("missing", "Python", found, "Python 3.11 or newer is needed")
    return Finding("ok", "Python", found)


def _requirements() -> Iterator[Finding]:
    path = REPOSITORY / "requirements.txt"
    if not path.exists():
        return
    wanted = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", path.read_text(), re.MULTILINE)
    wrong = [
        f"{name} {have or 'missing'} (wanted {pin})"
        for name, pin in wanted
        if (have := _version(name)) != pin
    ]
    if wrong:
        remedy = "make run installs them; or: pip install -r requirements.txt"
        yield Finding("missing", "Python packages", ", ".join(wrong), remedy)
    else:
        yield Finding("ok", "Python packages", f"{len(wanted)} as pinned")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _private_database(settings: Settings) -> Iterator[Finding]:
    made_with = data_version(settings.var_dir)
    binaries = packages.find_postgres(made_with)
    if binaries:
        found = f"{binaries.major} in {binaries.bin_dir}, PostGIS {binaries.postgis}"
        yield Finding("ok", "PostgreSQL", found)
    else:
        yield _no_postgres(made_with)
    keeper = locks.holder_of(lock_file(settings))
    if keeper:
        yield Finding("ok", "Private database", f"running, kept by {describe(keeper)}")
        yield _asked(plain_url(address(settings)) + f"&user={roles.READER}")
    elif Cluster.home_of(settings.var_dir).exists():
        yield Finding("ok", "Private database", f"in {Cluster.home_of(settings.var_dir)}, not running")
        yield _libraries()
    else:
        place = settings.var_dir / "postgres"
        yield Finding("note", "Private database", "not made yet", f"the first start makes it in {place}")
        yield _libraries()


def _no_postgres(made_with: int | None) -> Finding:
    names = " ".join(packages.postgres_packages(made_with))
    what = f"PostgreSQL {made_with}" if made_with else "PostgreSQL with PostGIS"
    if not shutil.which("apt-get"):
        remedy = "install PostgreSQL with PostGIS, or set DATABASE_URL, or use docker compose up"
    elif os.geteuid() == 0 or shutil.which("sudo"):
        remedy = f"make run would install it: apt-get install {names}"
    else:
        remedy = f"as an administrator: apt-get install {names}"
    return Finding("missing", "PostgreSQL", f"{what} was not found", remedy)


def _server(settings: Settings) -> Iterator[Finding]:
    url = plain_url(address(settings))
    yield Finding("note", "Database", mask_password(url), "DATABASE_URL is set: no private database is used")
    yield _asked(url)


def _asked(url: str) -> Finding:
    """What a database that runs says of itself."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'),"
                " (SELECT extversion FROM pg_extension WHERE extname = 'postgis')"
            ).fetchone()
            server, postgis = row or (None, None)
            if postgis is None:
                return Finding(
                    "missing", "PostGIS", f"PostgreSQL {server} without it", "mapservice setup adds it"
                )
            row = connection.execute(
                "SELECT public.postgis_lib_version(), public.postgis_proj_version(),"
                " public.postgis_geos_version()"
            ).fetchone()
    except psycopg.Error as error:
        return Finding("missing", "Database answers", str(error).strip(), "start it, or correct DATABASE_URL")
    library, proj, geos = row or ("?", "?", "?")
    return Finding("ok", "PostGIS", f"{library}, PROJ {proj}, GEOS {geos}, on PostgreSQL {server}")


def _libraries() -> Finding:
    """PROJ and GEOS as the system's packages have them, for a database that does not run."""
    versions = {}
    query = shutil.which("dpkg-query")
    if query:
        done = subprocess.run(
            [query, "-W", "-f", "${Package} ${Version}\n", "libproj[0-9]*", "libgeos[0-9]*"],
            capture_output=True,
            text=True,
            check=False,
        )
        for package, version in re.findall(r"^(\S+) ([\d.]+)", done.stdout, re.MULTILINE):
            versions["PROJ" if package.startswith("libproj") else "GEOS"] = version
    if not versions:
        return Finding("note", "PROJ and GEOS", "not known until the database runs")
    return Finding("ok", "PROJ and GEOS", ", ".join(f"{name} {number}" for name, number in versions.items()))


def _geodata(folder: Path) -> Finding:
    if (folder / "borough.toml").is_file():
        return Finding("ok", "Geodata", str(folder))
    remedy = "set MAPSERVICE_GEODATA_DIR to the folder that holds borough.toml"
    return Finding("missing", "Geodata", f"no borough.toml in {folder}", remedy)


def _front_end() -> Finding:
    manifest = REPOSITORY / "mapservice" / "web" / "static" / "dist" / "manifest.json"
    if manifest.exists():
        return Finding("ok", "Styles and scripts", "built")
    return Finding("note", "Styles and scripts", "not built yet", "the first start builds them")


def _disk(folder: Path) -> Finding:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free at {existing}"
    if free < LEAST_FREE_BYTES:
        return Finding("missing", "Disk", found, "free at least 1 GB, or set MAPSERVICE_VAR_DIR elsewhere")
    return Finding("ok", "Disk", found)


def _extra(extra: packages.Extra, installer: str) -> Finding:
    found = extra.find()
    if found:
        return Finding("ok", f"For {extra.purpose}", found)
    remedy = f"{installer} would install it: {' '.join(extra.packages)}"
    return Finding("note", f"For {extra.purpose}", "not installed", remedy)
