"""What was measured as Markdown tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cell, Measured
from benchmarks.peers.environments import HOME, version
from benchmarks.questions import Question
from benchmarks.streaming import Download
from mapservice.settings import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "performance.md"
BEGIN, END = "<!-- measured by make bench: begin -->", "<!-- measured by make bench: end -->"
PEERS = ("pygeoapi", "tipg")
Value = Callable[[Cell], float | None]


@dataclass
class Findings:
    """All that one run has to say."""

    rows: list[Question]
    connections: tuple[int, ...]
    machine: dict[str, str]
    how: str
    measured: Measured = field(default_factory=Measured)
    downloads: list[Download] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)


def markdown(found: Findings) -> str:
    """The tables, the machine's facts, and the remarks."""
    parts = [
        f"{found.machine['processor']}, {found.machine['memory']} of memory, {found.machine['system']}, "
        f"Linux {found.machine['kernel']}, "
        f"{found.machine['database']}, pygeoapi {version('pygeoapi')}, tipg {version('tipg')}. {found.how} "
        f"(Load of the machine when the run began: {found.machine['load']}.)"
    ]
    for count in sorted(found.connections, reverse=True):
        title = f"Answers per second, {count} connection{'s' if count > 1 else ''}"
        parts.append(_table(found, title, lambda cell, count=count: cell.rate(count)))  # type: ignore[misc]
    most = max(found.connections)
    title = f"Answers per second of processor time, server and database together, {most} connections"
    parts.append(_table(found, title, lambda cell: cell.thrift(most)))
    if found.downloads:
        parts.append(_downloads(found.downloads))
    if found.memory:
        lines = [
            f"| {name} | {' · '.join(f'{value:.0f}' for value in values)} |"
            for name, values in found.memory.items()
        ]
        parts.append("\n".join(["| | peak memory of each worker, MB |", "|---|---|", *lines]))
    if found.measured.remarks:
        parts.append("\n".join(f"- {remark}" for remark in found.measured.remarks))
    return "\n\n".join(parts)


def _table(found: Findings, title: str, value: Value) -> str:
    lines = [
        f"| {title} | floor | ours | pygeoapi | tipg | ours ÷ floor | ours ÷ better peer |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in found.rows:
        given = {name: _value(found.measured, row.key, name, value) for name in ("floor", "ours", *PEERS)}
        if not any(given.values()):
            continue
        # A row that is like another is held against that one's floor and peers.
        held = {
            name: _value(found.measured, row.like, name, value) if row.like else given[name]
            for name in ("floor", *PEERS)
        }
        better = max((held[name] or 0 for name in PEERS), default=0)
        cells = [
            row.title,
            *(_number(given[name]) for name in ("floor", "ours", *PEERS)),
            _ratio(given["ours"], held["floor"]),
            _ratio(given["ours"], better),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _value(measured: Measured, row: str, server: str, value: Value) -> float | None:
    cell = measured.cell(row, server)
    return value(cell) if cell else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _ratio(ours: float | None, other: float | None) -> str:
    return f"{ours / other:.2f}" if ours and other else "–"


def _downloads(found: Iterable[Download]) -> str:
    lines = [
        "| whole layer as | features | seconds | MB | worker's memory before, MB | after a tenth | at most |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {d.format} | {d.features:,} | {d.seconds:.1f} | {d.size / 1e6:.0f} | {d.before:.0f} "
        f"| {d.early:.0f} | {d.peak:.0f} |"
        for d in found
    ]
    return "\n".join(lines)


def write_document(text: str) -> Path:
    """Put the tables between their marks in the document."""
    content = DOCUMENT.read_text()
    before, _, rest = content.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    return DOCUMENT


def write_json(found: Findings) -> Path:
    """Everything, every round, for other programs."""
    HOME.mkdir(parents=True, exist_ok=True)
    cells: list[dict[str, Any]] = [
        {"row": row, "server": server, **asdict(cell)} for (row, server), cell in found.measured.cells.items()
    ]
    path = HOME / "results.json"
    content = {
        "machine": found.machine,
        "how": found.how,
        "rows": {row.key: row.title for row in found.rows},
        "cells": cells,
        "downloads": [asdict(each) for each in found.downloads],
        "memory": found.memory,
        "remarks": found.measured.remarks,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    return path
