"""The benchmark's own data: invented points and polygons in a scratch cluster that goes with the run."""

# ruff: noqa: S608 - composed of constants of this package

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from mapservice.database import Database, packages
from mapservice.database.cluster import DATABASE_NAME, PORT, Cluster
from mapservice.database.engines import cluster_address
from mapservice.database.roles import OWNER, READER
from mapservice.register import migrate
from mapservice.settings import Settings, load_settings
from mapservice.sources import grid

POINTS = 20_000
POLYGONS = 5_000
VERTICES = 50
MANY = 2_000_000
KINDS = 20
TABLES = ("points", "polygons", "polygons_27700")

WEST, SOUTH, EAST, NORTH = -0.14, 51.51, -0.06, 51.58
GRID_EXTENT = (528_000.0, 180_000.0, 536_000.0, 190_000.0)

HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""The scratch cluster may be lost with the machine; and no vacuum of its own runs into a measurement."""

_PLACE = f"""ST_SetSRID(ST_MakePoint(
    round(({WEST} + random() * {EAST - WEST})::numeric, 7)::float8,
    round(({SOUTH} + random() * {NORTH - SOUTH})::numeric, 7)::float8), 4326)"""

_ATTRIBUTES = f"""
       'Place number ' || n AS name,
       'kind-' || lpad((n * 7 % {KINDS})::text, 2, '0') AS kind,
       (ARRAY['open', 'closed', 'planned', 'unknown'])[1 + n * 13 % 4] AS status,
       n || ' Invented Street, Nowhere' AS address,
       (random() * 500)::integer AS capacity,
       round((random() * 100)::numeric, 3)::float8 AS score,
       n % 3 = 0 AS accessible,
       date '2000-01-01' + (n * 11 % 9000) AS opened_on,
       timestamptz '2024-01-01 00:00Z' + n * interval '7 minutes' AS updated_at,
       CASE WHEN n % 4 = 0 THEN 'A remark with "quotes", a comma and é' END AS note"""

_POINTS = f"""
CREATE TABLE bench.points AS
SELECT n::bigint AS id, {_PLACE}::geometry(Point, 4326) AS geom, {_ATTRIBUTES}
FROM generate_series(1, {POINTS}) n ORDER BY n;
ALTER TABLE bench.points ADD PRIMARY KEY (id);
CREATE INDEX ON bench.points USING gist (geom);
CREATE INDEX ON bench.points (kind, id);
"""

# A ring around a centre, its distance from it rising and falling, so that no vertex lies on a line.
_POLYGONS = f"""
CREATE TABLE bench.polygons AS
SELECT n::bigint AS id, ST_SetSRID(ST_MakePolygon(ring.line), 4326)::geometry(Polygon, 4326) AS geom,
       {_ATTRIBUTES}
FROM generate_series(1, {POLYGONS}) n
CROSS JOIN LATERAL (SELECT {_PLACE} AS centre WHERE n > 0) centre
CROSS JOIN LATERAL (
    SELECT ST_MakeLine(ST_MakePoint(
               round((ST_X(centre) + cos(a) * far / 1.6)::numeric, 7)::float8,
               round((ST_Y(centre) + sin(a) * far)::numeric, 7)::float8) ORDER BY vertex) AS line
    FROM (
        SELECT vertex, 2 * pi() * (vertex % {VERTICES}) / {VERTICES} AS a,
               0.0003 + 0.0001 * sin(5 * 2 * pi() * (vertex % {VERTICES}) / {VERTICES} + n) AS far
        FROM generate_series(0, {VERTICES}) vertex
    ) vertices
) ring
ORDER BY n;
ALTER TABLE bench.polygons ADD PRIMARY KEY (id);
CREATE INDEX ON bench.polygons USING gist (geom);

CREATE TABLE bench.polygons_27700 AS
SELECT id, ST_SnapToGrid(ST_SetSRID(ST_Transform(geom, {grid.SRID}), 27700), 0.01)
           ::geometry(Polygon, 27700) AS geom,
       name, kind, status, address, capacity, score, accessible, opened_on, updated_at, note
FROM bench.polygons ORDER BY id;
ALTER TABLE bench.polygons_27700 ADD PRIMARY KEY (id);
CREATE INDEX ON bench.polygons_27700 USING gist (geom);
"""

_MANY = f"""
CREATE TABLE bench.many AS
SELECT n::bigint AS id, {_PLACE}::geometry(Point, 4326) AS geom,
       'Place number ' || n AS name, 'kind-' || n % {KINDS} AS kind, n % 1000 AS capacity
FROM generate_series(1, {MANY}) n;
ALTER TABLE bench.many ADD PRIMARY KEY (id);
CREATE INDEX ON bench.many USING gist (geom);
"""

_CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Scratch:
    """A running scratch cluster with the benchmark's tables, and how the service is pointed at it."""

    cluster: Cluster
    settings: Settings
    tracked: bool

    @property
    def connection(self) -> dict[str, str]:
        """psycopg's words for a connection as the role that may only read."""
        return {
            "host": str(self.cluster.socket_dir),
            "port": str(PORT),
            "user": READER,
            "dbname": DATABASE_NAME,
        }

    @property
    def version(self) -> str:
        """PostgreSQL and PostGIS, as they name themselves."""
        with self.cluster.connect() as connection:
            row = connection.execute("SHOW server_version").fetchone()
            return f"PostgreSQL {str(row[0]).split()[0] if row else '?'}, " + (
                f"PostGIS {self.cluster.binaries.postgis}"
            )

    def cancel_statements(self) -> int:
        """End the statements that run in the database; how many there were."""
        with self.cluster.connect() as connection:
            return connection.execute(_CANCEL).rowcount


@contextlib.contextmanager
def scratch() -> Iterator[Scratch]:
    """A cluster in a folder of its own with all tables made; stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ms-bench-"))
    # The account that runs PostgreSQL has to get to its files.
    folder.chmod(0o755)
    settings = load_settings(var_dir=folder, secret_key="only-for-benchmarks-" * 2, log_level="warning")
    binaries = packages.ensure_postgres(print)
    cluster = Cluster(folder, binaries, max_connections=100, overrides=HASTY)
    try:
        cluster.start()
        database = Database.at(cluster_address(cluster.socket_dir), settings)
        try:
            migrate.upgrade(database)
        finally:
            database.dispose()
        fill(cluster)
        with cluster.connect() as connection, connection.cursor() as cursor:
            tracked = tracks(cursor)
        yield Scratch(cluster, settings, tracked)
    finally:
        cluster.stop()
        shutil.rmtree(Cluster.home_of(folder), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def fill(cluster: Cluster) -> None:
    """Make the small tables; the same ones in every run."""
    with cluster.connect() as connection, connection.cursor() as cursor:
        grid.install(cursor, grid.fit(GRID_EXTENT))
        cursor.execute(f"SET ROLE {OWNER}".encode())
        cursor.execute("CREATE SCHEMA bench")
        for statements in (_POINTS, _POLYGONS):
            _make(cursor, statements)
        cursor.execute(f"GRANT USAGE ON SCHEMA bench TO {READER}".encode())
        cursor.execute("RESET ROLE")
        for table in TABLES if tracks(cursor) else ():
            cursor.execute("SELECT layers.track(%s::regclass, 'id', 'id', false)", (f"bench.{table}",))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def fill_many(cluster: Cluster) -> None:
    """Make the large table."""
    with cluster.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {OWNER}".encode())
        _make(cursor, _MANY)
        cursor.execute("RESET ROLE")
        if tracks(cursor):
            cursor.execute("SELECT layers.track('bench.many', 'id', 'id', false)")
        cursor.execute("VACUUM ANALYZE bench.many")
        cursor.execute("CHECKPOINT")


def _make(cursor: psycopg.Cursor[Any], statements: str) -> None:
    # Random numbers come in the same order only from one process.
    cursor.execute("SET max_parallel_workers_per_gather = 0")
    cursor.execute("SELECT setseed(0.25)")
    cursor.execute(statements.encode())
    cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA bench TO {READER}".encode())


def tracks(cursor: psycopg.Cursor[Any]) -> bool:
    """Whether the database counts the versions of tables, so that answers can be kept."""
    row = cursor.execute("SELECT to_regproc('layers.track') IS NOT NULL").fetchone()
    return bool(row and row[0])


def box_of(features: int) -> tuple[float, float, float, float]:
    """A box in the middle that holds about so many of `bench.points`: west, south, east, north."""
    share = math.sqrt(features / POINTS)
    x, y = (WEST + EAST) / 2, (SOUTH + NORTH) / 2
    half_x, half_y = share * (EAST - WEST) / 2, share * (NORTH - SOUTH) / 2
    return tuple(round(n, 6) for n in (x - half_x, y - half_y, x + half_x, y + half_y))  # type: ignore[return-value]
