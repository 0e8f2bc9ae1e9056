"""How long the walks of a whole borough take to measure, and how long a search waits for them.

    python -m benchmarks.walking [metres between streets]

The network is a made-up town of straight streets over the borough and its margin, as dense as asked for: at
45 metres it has about as many edges as the streets and footpaths of a city. Processor time is what
counts: the machine does other things too.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mapservice.database import Database
from mapservice.database.cluster import Cluster
from mapservice.database.packages import find_postgres
from mapservice.network.build import Network, Way, build_network
from mapservice.network.measuring import measure
from mapservice.network.routing import find_route
from mapservice.network.store import Source, replace_network
from mapservice.network.walking import walking
from mapservice.register import migrate
from mapservice.settings import load_settings
from mapservice.sources.context import Context
from mapservice.sources.load import load_geodata
from mapservice.sources.staging import importing

SOURCE = Source("osm", "A made-up town", "none", "https://example.org/", "none")
REPEATS = 200


def main(spacing: int) -> None:
    """Measure, and say what was measured."""
    binaries = find_postgres()
    assert binaries, "PostgreSQL with PostGIS is not installed"
    with tempfile.TemporaryDirectory(prefix="walking-") as folder:
        Path(folder).chmod(0o755)
        settings = load_settings(var_dir=Path(folder))
        cluster = Cluster(Path(folder), binaries)
        cluster.start()
        try:
            database = Database.connect(settings)
            migrate.upgrade(database)
            assert load_geodata(database, settings.geodata_dir).ok
            run(database, spacing)
            database.dispose()
        finally:
            cluster.stop()


def run(database: Database, spacing: int) -> None:
    """The figures, one to a line."""
    with importing(database, "benchmark", "a made-up town") as cursor:
        town = make_town(Context(cursor).bounds, spacing)
        timed("write the network", lambda: replace_network(cursor, town, SOURCE, "made up", None))
    print(f"  {len(town.nodes)} nodes, {len(town.ways)} edges, {town.metres.sum() / 1000:.0f} km")
    timed("measure all walks", lambda: print(f"  {measure(database)} places"))
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    with database.reading() as cursor:
        size = cursor.execute(
            "SELECT count(*), sum(cardinality(places)),"
            " pg_size_pretty(pg_total_relation_size('network.walks')) FROM network.walks"
        ).fetchone()
        print(f"  rows, distances, size: {size}")
        postcodes = cursor.execute(
            "SELECT postcode, ST_X(geom_4326), ST_Y(geom_4326) FROM register.postcodes p"
            " JOIN register.borough b ON p.geom && b.extent ORDER BY md5(postcode) LIMIT %s",
            (REPEATS,),
        ).fetchall()
        spread("walks from a postcode", [lambda p=p: walking(cursor, p[1], p[2], p[0]) for p in postcodes])
        spread("walks from a point", [lambda p=p: walking(cursor, p[1], p[2]) for p in postcodes])
        library = "finsbury-library"
        spread("a route", [lambda p=p: find_route(cursor, p[1], p[2], "assets", library) for p in postcodes])


def make_town(bounds: tuple[float, float, float, float], spacing: int) -> Network:
    """Streets from edge to edge, crossing every so many metres."""
    west, south, east, north = bounds
    xs, ys = np.arange(west, east, spacing), np.arange(south, north, spacing)
    number = np.arange(len(xs) * len(ys)).reshape(len(ys), len(xs))
    lines = [*number, *number.T]
    x, y = np.meshgrid(xs, ys)
    vertices = np.concatenate(lines)
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    coordinates = np.column_stack([x.ravel(), y.ravel()])[vertices]
    ways = [Way(f"way/{n}", "street") for n in range(len(lines))]
    town = build_network(ways, starts, vertices, coordinates, bounds)
    assert town
    return town


def timed(what: str, work: Callable[[], object]) -> None:
    """Do something once and say how long it took."""
    began, used = time.perf_counter(), time.process_time()
    work()
    wall, own = time.perf_counter() - began, time.process_time() - used
    print(f"{what}: {wall:.1f} s, of which {own:.1f} s processor time here (the rest: database, waiting)")


def spread(what: str, work: list[Callable[[], object]]) -> None:
    """Do something many times and say how long it took: the first warms up."""
    work[0]()
    times, used = [], time.process_time()
    for each in work:
        began = time.perf_counter()
        each()
        times.append((time.perf_counter() - began) * 1000)
    own = (time.process_time() - used) / len(work) * 1000
    times.sort()
    print(
        f"{what}: median {statistics.median(times):.1f} ms, 95 % within"
        f" {times[int(len(times) * 0.95)]:.1f} ms, {own:.1f} ms processor time here"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 45)
