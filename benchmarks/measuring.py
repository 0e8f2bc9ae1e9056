"""Rounds of short runs: every row, every server, in turn, again and again; the medians count."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from benchmarks import checking, load, processes
from benchmarks.dataset import Scratch
from benchmarks.questions import Question
from benchmarks.servers import Server

WARM_UP = 6
REST_S = 0.05
REST_AT_MOST_S = 10.0
WARM_UP_S = 1.0
SLOW_FACTOR = 6


@dataclass
class Cell:
    """One row of one server: by number of connections, a figure for each round.

    Answers per second, and the processor milliseconds that one answer took of workers and of database.
    """

    per_second: dict[int, list[float]] = field(default_factory=dict)
    worker_ms: dict[int, list[float]] = field(default_factory=dict)
    database_ms: dict[int, list[float]] = field(default_factory=dict)
    failed: int = 0

    def rate(self, connections: int) -> float | None:
        """Median answers per second."""
        values = self.per_second.get(connections)
        return statistics.median(values) if values else None

    def thrift(self, connections: int) -> float | None:
        """Median answers per second of processor time, the workers' and the database's together."""
        if connections not in self.worker_ms:
            return None
        both = zip(self.worker_ms[connections], self.database_ms[connections], strict=True)
        spent = statistics.median([worker + database for worker, database in both])
        return 1000 / spent if spent else None


@dataclass
class Measured:
    """Everything a run found: cells by (row, server), and why some are not there."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def cell(self, row: str, server: str) -> Cell | None:
        return self.cells.get((row, server))


@dataclass(frozen=True)
class Asking:
    """A row as one server is asked it."""

    question: Question
    server: Server
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.question.paths[self.server.name]


def prepare(servers: list[Server], rows: Iterable[Question], measured: Measured) -> list[Asking]:
    """What can be asked; each answer is compared with the floor's first, and a row that fails is left out."""
    found = []
    for question in rows:
        reference: bytes | None = None
        for server in servers:
            if server.name not in question.paths:
                continue
            path = question.paths[server.name]
            headers = dict(question.headers)
            status, sent, body = server.get(path, headers)
            if status != HTTPStatus.OK:
                measured.remarks.append(f"{server.name} answers {status} to “{question.title}”.")
                continue
            if problem := _wrongly_kept(server, question, sent):
                measured.remarks.append(problem)
                continue
            if question.conditional:
                headers["If-None-Match"] = sent["etag"]
                if server.get(path, headers)[0] != HTTPStatus.NOT_MODIFIED:
                    measured.remarks.append(f"{server.name} does not answer 304 to its own ETag.")
                    continue
            if reference is None:
                reference = body
            elif wrong := checking.difference(question.kind, reference, body, question.tolerance):
                measured.remarks.append(f"{server.name}, “{question.title}”: {wrong}.")
                continue
            found.append(Asking(question, server, headers))
    return found


def _wrongly_kept(server: Server, question: Question, sent: dict[str, str]) -> str | None:
    """Rows of repeated requests want answers that are kept; all others want none. Those alone are cached."""
    if server.name != "ours":
        return None
    kept = "etag" in sent and "public" in sent.get("cache-control", "")
    if question.like and not kept:
        return f"“{question.title}” needs answers that are kept, and these are not."
    if not question.like and kept:
        return f"“{question.title}” may be answered from memory, which this row is not about."
    return None


def run(
    scratch: Scratch,
    wrk: str | None,
    asked: list[Asking],
    measured: Measured,
    connections: Iterable[int],
    rounds: int,
    seconds: int,
) -> None:
    """Measure everything, round by round."""
    by_row: dict[str, list[Asking]] = defaultdict(list)
    for asking in asked:
        by_row[asking.question.key].append(asking)
        # Every worker has its connections and its prepared statements before the first run counts.
        enough = time.monotonic() + WARM_UP_S
        for _ in range(WARM_UP):
            asking.server.get(asking.path, asking.headers)
            if time.monotonic() > enough:
                break
    everyone = {asking.server.pid for asking in asked} | {scratch.cluster.pid or 0}
    for number in range(rounds):
        for count in connections:
            for row in by_row.values():
                for asking in row:
                    _come_to_rest(scratch, everyone)
                    _measure(scratch, wrk, asking, measured, count, seconds)
            print(f"round {number + 1} of {rounds}, {count} connection(s): done", file=sys.stderr)


def _measure(
    scratch: Scratch, wrk: str | None, asking: Asking, measured: Measured, connections: int, seconds: int
) -> None:
    pids = (asking.server.pid, scratch.cluster.pid or 0)
    url = asking.server.address + asking.path
    # Cut short before as many answers came, a slow one is asked again for longer, to be seen at all.
    for longer in (1, SLOW_FACTOR):
        before = [processes.processor_seconds(pid) for pid in pids]
        result = load.run(wrk, url, asking.headers, connections, seconds * longer)
        spent = [processes.processor_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
        if result.answers >= connections:
            break
    cell = measured.cells.setdefault((asking.question.key, asking.server.name), Cell())
    cell.failed += result.failed
    if result.answers:
        cell.per_second.setdefault(connections, []).append(result.answers / result.seconds)
        cell.worker_ms.setdefault(connections, []).append(spent[0] / result.answers * 1000)
        cell.database_ms.setdefault(connections, []).append(spent[1] / result.answers * 1000)


def _come_to_rest(scratch: Scratch, pids: set[int]) -> None:
    """Wait until nothing is left of the run before: a peer goes on with what nobody waits for any more.

    It would be counted as the work of the server that comes next, most of all statements of seconds on the
    large table.
    """
    enough = time.monotonic() + REST_AT_MOST_S
    spent = None
    while time.monotonic() < enough:
        running = scratch.cancel_statements()
        before, spent = spent, [processes.processor_seconds(pid) for pid in pids]
        if not running and spent == before:
            return
        time.sleep(REST_S)
