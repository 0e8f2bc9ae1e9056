"""What the sources of walking networks share: the file's network as a record, and how it is taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
from numpy.typing import NDArray

from mapservice.network.build import Network, Way, build_network
from mapservice.network.store import Source, replace_network
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor

UNREADABLE = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError)
"""What reading a file that is not what it seems raises."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A network as a file holds it for this borough."""

    network: Network
    source: Source
    file: str
    data_date: date | None


def network_of(
    ways: Sequence[Way],
    lines: Sequence[NDArray[np.float64]],
    vertices: Sequence[NDArray[np.int64]],
    context: Context,
    report: Report,
) -> Network | None:
    """The network of ways with their lines (EPSG:27700) and the numbers of their vertices."""
    network = None
    if ways:
        starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
        network = build_network(ways, starts, np.concatenate(vertices), np.concatenate(lines), context.bounds)
    if network is None:
        report.reject(None, "file", report.file, "holds no street or path in or near the borough")
        return None
    if network.islands:
        report.warnings.append(
            f"{network.islands} small parts that nothing joins to the rest of the network were left out"
        )
    return network


def take_in(cursor: Cursor, records: list[Any], report: Report, *, replace: bool = False) -> None:
    """Put the file's network in the place of the one in use; it is the whole truth in any case."""
    file: NetworkFile = records[0]
    row = cursor.execute("SELECT edges FROM network.loads WHERE current").fetchone()
    edges = len(file.network.ways)
    if replace_network(cursor, file.network, file.source, file.file, file.data_date):
        report.created += edges
        report.removed += row[0] if row else 0
    else:
        report.unchanged += edges


def refuse_unreadable(report: Report, path: Path, kind: str, error: Exception) -> None:
    """Say of a file that it cannot be read as what it should be; `error` is one of UNREADABLE."""
    reason = str(error).splitlines()[0].replace(str(path), path.name)
    report.reject(None, "file", path.name, f"cannot be read as {kind}: {reason}")


def file_date(path: Path) -> date:
    """The day a file was last written: for a download mostly the day it was fetched."""
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date()
