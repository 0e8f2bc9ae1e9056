"""Whole-layer downloads of two million features: how fast, and what they do to the memory of a worker."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from benchmarks import processes
from benchmarks.dataset import MANY
from benchmarks.questions import UNCACHED
from benchmarks.servers import Server

FORMATS = ("geojsonseq", "csv")
PIECE = 1 << 20
GLANCE_S = 0.1
SETTLED = 0.1
"""The share of a download after which a worker's memory should grow no more."""


@dataclass(frozen=True)
class Download:
    """One download: features, seconds, bytes; and megabytes of the worker that served it, at three times."""

    format: str
    features: int
    seconds: float
    size: int
    before: float
    early: float
    peak: float

    @property
    def growth(self) -> float:
        """Megabytes that the worker took from the first tenth of the download to its end."""
        return self.peak - self.early


def downloads(server: Server) -> tuple[list[Download], list[str]]:
    """A download in each format, and what is to be said about those that were not had."""
    found, remarks = [], []
    for name in FORMATS:
        done = _download(server, name)
        if isinstance(done, str):
            remarks.append(done)
            continue
        found.append(done)
        if done.features < MANY:
            remarks.append(f"The download as {name} held {done.features:,} of {MANY:,} features.")
    return found, remarks


def _download(server: Server, name: str) -> Download | str:
    workers = server.workers
    before = {pid: processes.resident(pid) for pid in workers}
    samples: dict[int, list[float]] = {pid: [] for pid in workers}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(GLANCE_S):
            for pid in workers:
                samples[pid].append(processes.resident(pid))

    watcher = threading.Thread(target=watch)
    for pid in workers:
        processes.forget_peak(pid)
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=600)
    started = time.perf_counter()
    try:
        connection.request("GET", f"/api/collections/many/items?f={name}", headers=UNCACHED)
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            return f"There is no download as {name} yet (status {answer.status})."
        watcher.start()
        size = lines = 0
        while piece := answer.read(PIECE):
            size += len(piece)
            lines += piece.count(b"\n")
    finally:
        done.set()
        connection.close()
    seconds = time.perf_counter() - started
    watcher.join()
    busy = max(workers, key=lambda pid: processes.resident(pid, peak=True) - before[pid])
    taken = samples[busy] or [before[busy]]
    return Download(
        format=name,
        features=lines - (name == "csv"),
        seconds=seconds,
        size=size,
        before=before[busy],
        early=max(taken[: max(1, int(len(taken) * SETTLED))]),
        peak=processes.resident(busy, peak=True),
    )
