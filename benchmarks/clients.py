"""What a user of GDAL waits for: 20,000 points by its own OGC API driver, page by page, and in one stream."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable

from benchmarks import processes
from benchmarks.dataset import POINTS, TABLES, Scratch
from benchmarks.servers import Server, started

PAGES = (10, 100, 1000)
TIMEOUT_S = 300


def main(scratch: Scratch) -> None:
    """Read the points in each way, and print a line for it."""
    program = shutil.which("ogr2ogr")
    if program is None:
        print("ogr2ogr is not installed (package gdal-bin): GDAL is left out.", file=sys.stderr)
        return
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    print(f"{version.partition(',')[0]} reads {POINTS:,} points.\n")
    print("| | features | seconds | of the service's processor time | of GDAL's own | load |")
    print("|---|--:|--:|--:|--:|--:|")
    with started(scratch, ("ours",), TABLES) as (server,):
        for name, source in _ways(server):
            before, own, began = _of_service(scratch, server), _of_gdal(), time.monotonic()
            count = _read(program, source)
            took = time.monotonic() - began
            ours, gdals = _of_service(scratch, server) - before, _of_gdal() - own
            print(
                f"| {name} | {count:,} | {took:.1f} | {ours:.1f} | {gdals:.1f} | {os.getloadavg()[0]:.0f} |",
                flush=True,
            )


def _ways(server: Server) -> Iterable[tuple[str, list[str]]]:
    api, items = f"OAPIF:{server.address}/api", f"{server.address}/api/collections/points/items"
    for size in PAGES:
        yield f"OGC API driver, {size:,} a page", ["-oo", f"PAGE_SIZE={size}", api, "points"]
    yield "one stream of GeoJSON texts", [f"GeoJSONSeq:/vsicurl_streaming/{items}?f=geojsonseq"]
    yield "one FlatGeobuf", [f"/vsicurl_streaming/{items}?f=fgb"]


def _read(program: str, source: list[str]) -> int:
    # Read whole and thrown away but for the number of lines.
    command = [program, "-f", "CSV", "/vsistdout/", *source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        print(done.stderr[-500:], file=sys.stderr)
    return max(0, done.stdout.count("\n") - 1)


def _of_service(scratch: Scratch, server: Server) -> float:
    """Processor seconds of the workers and of the database."""
    return sum(processes.processor_seconds(pid) for pid in (server.pid, scratch.cluster.pid or 0))


def _of_gdal() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
