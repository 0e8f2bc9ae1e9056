"""What the conformance suites share: a server, environments of their own, and the record of results."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance import record

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "conformance"

Environment = Callable[[str], Path]


@pytest.fixture(scope="session")
def folder() -> Path:
    """Where suites are installed and write what they found."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return BUILD


@pytest.fixture(scope="session")
def environment(folder: Path) -> Environment:
    """Makes the Python environment that `<name>.txt` here pins, or skips; gives its python."""

    def make(name: str) -> Path:
        pinned = (HERE / f"{name}.txt").read_text()
        home = folder / name
        python, stamp = home / "bin" / "python", home / "installed.txt"
        if stamp.exists() and stamp.read_text() == pinned:
            return python
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement",
             str(HERE / f"{name}.txt")],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"NOT RUN: {name} could not be installed: {done.stderr.strip()[-300:]}")
        stamp.write_text(pinned)
        return python

    return make


@pytest.fixture(scope="module")
def placed_server(make_database, serve) -> Iterator[str]:
    """A real server on a copy of the data in which every feature has a place.

    OGC's example schema of a feature, which ogctests holds answers against, does not allow `geometry: null`;
    RFC 7946 does, for what has no known place, and a hub that is still to be placed is listed so.
    """
    with make_database() as database:
        with database.owner.begin() as connection:
            middle = "geom = (SELECT ST_Centroid(ST_Collect(geom)) FROM register.assets)"
            connection.exec_driver_sql(
                f"UPDATE register.assets SET position = 'postcode', {middle} WHERE geom IS NULL"
            )
            connection.exec_driver_sql(
                f"UPDATE register.service_at_locations SET {middle}"
                " WHERE geom IS NULL AND place_name IS NOT NULL"
            )
            unplaced = "SELECT count(*) FROM layers.services WHERE geom IS NULL"
            assert connection.exec_driver_sql(unplaced).scalar_one() == 0
        with serve(database) as address:
            yield address


@pytest.fixture
def recorded() -> Callable[..., None]:
    """Keeps what a suite found for docs/conformance.md."""
    return record.keep


def pytest_sessionfinish() -> None:
    """Write what was found in this run."""
    record.write()
