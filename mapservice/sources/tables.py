"""Reading CSV files as people really send them, with the line of every mistake."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mapservice.sources.checks import Refused, did_you_mean, text
from mapservice.sources.report import Report

T = TypeVar("T")
LARGEST_FILE = 200_000_000
DELIMITERS = (",", ";", "\t")


@dataclass(slots=True)
class Row:
    """One record: its line in the file and its cells by column, trimmed; `take` checks one of them."""

    line: int
    cells: dict[str, str]
    report: Report

    def take(self, column: str, check: Callable[[str], T], *, required: bool = False) -> T | None:
        """The checked value of a cell; None if it is empty, or refused (then the report says why)."""
        value = self.cells.get(column, "")
        if not value:
            if required:
                self.report.reject(self.line, column, "", "must be filled in")
            return None
        try:
            return check(value)
        except Refused as error:
            self.report.reject(self.line, column, value, str(error))
            return None

    def text(self, column: str, *, required: bool = False) -> str | None:
        """A cell of plain text."""
        return self.take(column, text, required=required)

    def refuse(self, column: str, reason: str) -> None:
        """Refuse the row for how this cell sits with the others."""
        self.report.reject(self.line, column, self.cells.get(column, ""), reason)


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns, in its own order, and its rows."""

    columns: tuple[str, ...]
    rows: list[Row]


def read_table(path: Path, report: Report, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Read a CSV file with a heading; columns come in any order, optional ones may be left out.

    Understands a byte order mark and the semicolons or tabs of spreadsheets. Whatever is wrong goes to the
    report: another encoding, unknown, missing or repeated columns, ragged rows, unclosed quotes.
    """
    content = read_text(path, report)
    if content is None:
        return Table((), [])
    known = (*required, *optional)
    first = content.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=lambda d: len({c.strip(' "\r') for c in first.split(d)} & set(known)))
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    line = 1
    try:
        for cells in reader:
            if not columns:
                columns = tuple(cell.strip() for cell in cells)
                if not _check_columns(columns, required, known, report):
                    return Table(columns, [])
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(columns):
                    report.reject(line, "row", "", f"has {len(cells)} cells, the heading has {len(columns)}")
                else:
                    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
                    rows.append(Row(line, row, report))
            line = reader.line_num + 1
    except csv.Error as error:
        report.reject(reader.line_num, "row", "", f"cannot be read as CSV: {error}")
    if not columns:
        report.reject(1, "file", "", "is empty")
    elif not rows and not report.rejected:
        report.reject(None, "file", "", "holds a heading but no rows")
    return Table(columns, rows)


def refuse_repeated(rows: Sequence[Row], key: Sequence[str]) -> None:
    """Refuse rows whose key came before in the same file; the reason names the earlier line."""
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        # As checked values will be, whatever the case: an ODS code typed in small letters is the same code.
        value = tuple(row.cells.get(column, "").upper() for column in key)
        if all(value) and seen.setdefault(value, row.line) != row.line:
            row.refuse(key[-1], f"is in this file twice, first on line {seen[value]}")


def read_text(path: Path, report: Report) -> str | None:
    """The text of a UTF-8 file, or None with the reason in the report."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            report.reject(None, "file", path.name, f"is larger than {LARGEST_FILE // 1_000_000} MB")
            return None
        raw = path.read_bytes()
    except OSError as error:
        report.reject(None, "file", path.name, f"cannot be read: {error.strerror or error}")
        return None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        report.reject(None, "file", path.name, 'is UTF-16; save it again as "CSV UTF-8"')
        return None
    if b"\x00" in raw:
        report.reject(raw[: raw.index(b"\x00")].count(b"\n") + 1, "file", path.name, "is not a text file")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        reason = f"is not UTF-8 (byte 0x{raw[error.start]:02X})"
        if raw[error.start] >= 0x80 and _decodes(raw, "cp1252"):
            shown = raw[max(0, error.start - 10) : error.start + 10].decode("cp1252").replace("\n", " ")
            reason += f', it looks like Windows-1252 at "{shown.strip()}"; save it again as "CSV UTF-8"'
        report.reject(line, "file", path.name, reason)
        return None


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _check_columns(
    columns: Sequence[str], required: Sequence[str], known: Sequence[str], report: Report
) -> bool:
    before = len(report.rejected)
    for column in columns:
        if column not in known:
            reason = "is not a known column" + did_you_mean(column, [c for c in known if c not in columns])
            report.reject(1, "column", column, reason)
    for column in sorted({c for c in columns if columns.count(c) > 1}):
        report.reject(1, "column", column, "appears more than once")
    for column in required:
        if column not in columns:
            report.reject(1, "column", column, "is missing")
    return len(report.rejected) == before
