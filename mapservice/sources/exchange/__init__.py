"""Green spaces that others have drawn: compared with the register, and taken over as a person decides.

A file is compared first: what is new, changed, the same, conflicting goes to a review file, and nothing is
written. The review file with its column `decision` filled in is handed back, and what was decided is done,
all of it or nothing. A decision is remembered, so that the same file asks nothing twice. Each record keeps
its source, and with it its licence.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
from shapely.geometry import box

from mapservice.database.engines import Database
from mapservice.layers.formats.delimited import harmless
from mapservice.sources import osm
from mapservice.sources.checks import one_of
from mapservice.sources.context import Context, NotReady
from mapservice.sources.exchange.matching import Compared, compare
from mapservice.sources.exchange.reading import Found, Kind, read_green_spaces
from mapservice.sources.exchange.writing import write
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, importing
from mapservice.sources.tables import read_table

KINDS: tuple[Kind, ...] = (
    "os-open-greenspace",
    "osm-green-spaces",
    "gigl-spaces-to-visit",
    "drawn-green-spaces",
)
NEAR_M = 800
"""Spaces this far outside the borough's extent are compared too: those who live at its edge use them."""
DECISIONS = ("add", "take", "keep", "ignore")
_OGL = (
    "Open Government Licence v3.0",
    "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "Contains OS data © Crown copyright and database right.",
)
# (title, publisher, licence, its address, credit) of sources that are known without being told.
_SOURCES = {
    "os-open-greenspace": ("OS Open Greenspace", "Ordnance Survey", *_OGL),
    "openstreetmap-green-spaces": (
        "OpenStreetMap: green spaces",
        "OpenStreetMap contributors",
        osm.SOURCE.licence,
        osm.SOURCE.licence_url,
        osm.SOURCE.attribution,
    ),
}
_SOURCE_OF: Mapping[Kind, str] = {
    "os-open-greenspace": "os-open-greenspace",
    "osm-green-spaces": "openstreetmap-green-spaces",
}
COLUMNS = (
    "key",
    "verdict",
    "decision",
    "ours",
    "name",
    "type",
    "access",
    "differences",
    "others",
    "reference",
)


class Unwritten(Exception):
    """Ends the transaction of a comparison, or of decisions that are refused."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one space of the file; `ours` is the id of the one it is."""

    what: str
    ours: str | None


def import_green_spaces(
    database: Database,
    kind: Kind,
    path: Path,
    actor: str,
    *,
    review: Path,
    decided: bool = False,
    source: str | None = None,
    reason: str | None = None,
) -> Report:
    """Compare a file and write the review file; with `decided` do what the review file says.

    `source` names the source, with its licence, of a file whose kind does not tell.
    """
    report = Report(kind, path.name)
    try:
        with importing(database, actor, reason or f"import of {kind} from {path.name}") as cursor:
            compared = _compare(cursor, kind, path, source, report)
            if not report.ok:
                raise Unwritten
            if not decided:
                _preview(compared, review, report)
                raise Unwritten
            decisions = _read_decisions(cursor, review, compared, report)
            if not report.ok:
                raise Unwritten
            write(cursor, compared, decisions, source or _SOURCE_OF[kind], _as_of(path), report)
    except Unwritten:
        pass
    except NotReady as error:
        report.reject(None, "register", "", str(error))
    except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException) as error:
        report.reject(
            None, error.diag.constraint_name or "database", "", error.diag.message_primary or str(error)
        )
    return report


def _compare(cursor: Cursor, kind: Kind, path: Path, source: str | None, report: Report) -> list[Compared]:
    context = Context(cursor)
    source_id = source or _SOURCE_OF.get(kind)
    if source_id is None:
        report.reject(None, "source", "", "must be given: a source of sources.csv, which has the licence")
        return []
    if source_id in _SOURCES:
        cursor.execute(
            "INSERT INTO register.sources (id, title, publisher, licence, licence_url, attribution)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
            (source_id, *_SOURCES[source_id]),
        )
    elif source_id not in context.sources:
        report.reject(
            None, "source", source_id, "is in no sources.csv; import it there first, with its licence"
        )
        return []
    found = read_green_spaces(path, kind, _reach(cursor), box(*context.bounds), report)
    return compare(cursor, _once(found, report), source_id) if report.ok else []


def _reach(cursor: Cursor) -> tuple[float, float, float, float]:
    row = cursor.execute(
        "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)"
        " FROM (SELECT ST_Expand(extent, %s) AS e FROM register.borough) b",
        (NEAR_M,),
    ).fetchone()
    if row is None:
        raise NotReady("the borough is not known yet: import borough.toml first")
    return row[0], row[1], row[2], row[3]


def _once(found: Sequence[Found], report: Report) -> list[Found]:
    """Without what the file holds twice, word for word."""
    kept = {each.digest: each for each in found}
    if len(kept) < len(found):
        report.warnings.append(f"{len(found) - len(kept)} are in the file twice and were taken once")
    return list(kept.values())


def _preview(compared: Sequence[Compared], review: Path, report: Report) -> None:
    counts = {verdict: 0 for verdict in ("new", "changed", "same", "conflicting")}
    for each in compared:
        counts[each.verdict] += 1
    report.unchanged = counts["same"]
    words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    report.warnings.append(f"preview: {words}. Nothing was written")
    open_ones = [each for each in compared if each.verdict != "same"]
    if not open_ones:
        return
    with review.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([harmless(cell) for cell in _row(each)] for each in open_ones)
    report.warnings.append(
        f"fill in the column decision of {review} (add: it is a new space; take: ours is to be as theirs;"
        " keep: ours stays; ignore: no green space) and import again with --decisions"
    )


def _row(each: Compared) -> list[str]:
    found = each.found
    others = " ".join(one.id for one in each.others)
    ours = each.match.id if each.match else ""
    differences = "; ".join(each.differences)
    verdict, reference = each.verdict, found.reference
    return [
        _key(found),
        verdict,
        "",
        ours,
        found.name or "",
        found.type,
        found.access,
        differences,
        others,
        reference,
    ]


def _key(found: Found) -> str:
    # A letter first, lest a spreadsheet takes a hexadecimal number for a very large one.
    return f"k{found.digest[:16]}"


def _read_decisions(
    cursor: Cursor, path: Path, compared: Sequence[Compared], report: Report
) -> dict[str, Decision]:
    """What was decided, by digest; rows without a decision stay open."""
    table = read_table(path, report, ("key", "decision"), COLUMNS)
    by_key = {_key(each.found): each for each in compared}
    known = Context(cursor).ids("green-spaces")
    decisions: dict[str, Decision] = {}
    for row in table.rows:
        what = row.take("decision", one_of(DECISIONS, "decision"))
        key = row.cells["key"]
        if what is None:
            continue
        ours = row.text("ours")
        if key not in by_key:
            row.refuse("key", "is of no space in this file: compare it again")
        elif what == "add" and by_key[key].decided in ("add", "take"):
            continue
        elif what in ("take", "keep") and ours not in known:
            row.refuse("ours", "must be the id of a green space of the register")
        else:
            decisions[by_key[key].found.digest] = Decision(what, ours if what in ("take", "keep") else None)
    return decisions


def _as_of(path: Path) -> str:
    return date.fromtimestamp(path.stat().st_mtime).isoformat()
