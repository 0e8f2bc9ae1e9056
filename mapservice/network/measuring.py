"""The batch that measures how far every postcode is from every place, along the network.

A few places at a time, each few committed: what was measured stays measured when the batch is stopped, and
the next run goes on from there. Only places whose generation has moved on are measured (see migration 0009).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Cursor

from mapservice.database import Database
from mapservice.network import FARTHEST_ACCESS_M, FARTHEST_WALK_M, REACH_M
from mapservice.network.access import NEAREST_EDGE, Access, read_access
from mapservice.network.graph import Graph, Spots
from mapservice.network.store import Graphs, NetworkReplaced, one_network, read_graphs, read_loaded
from mapservice.register.progress import Progress, silent

MEASURING_LOCK = 5_220_917
AT_ONCE = 32
"""Places whose walks are written together: more make fewer rows, and more to do again after a stop."""

# Places that are near each other come together, so that they are near the same postcodes.
_TO_MEASURE = """
    SELECT p.key, p.generation
    FROM network.places p
    LEFT JOIN register.assets a ON a.key = p.asset_key
    LEFT JOIN register.green_spaces g ON g.key = p.green_space_key
    WHERE p.measured IS DISTINCT FROM p.generation
    ORDER BY COALESCE(a.geom, g.geom), p.key
"""
# Only those that have not been moved since they were read; others are found again.
_SETTLE = """
    UPDATE network.places SET measured = generation, batch = %(batch)s
    WHERE key IN (
        SELECT key FROM network.places
        WHERE (key, generation) IN (SELECT * FROM unnest(%(keys)s::integer[], %(generations)s::integer[]))
        FOR UPDATE SKIP LOCKED
    )
    RETURNING key
"""
_FORGET = """
    DELETE FROM network.walks k
    WHERE NOT EXISTS (SELECT FROM network.places p WHERE p.batch = k.batch)
"""
_POSTCODES = f"""
    SELECT p.postcode, ST_X(p.geom), ST_Y(p.geom), n.edge, n.fraction, n.metres
    FROM register.postcodes p CROSS JOIN LATERAL ({NEAREST_EDGE.format(shape="p.geom")}) n
    ORDER BY p.postcode
"""


@dataclass(frozen=True, slots=True)
class Postcodes:
    """Every postcode that meets the network, where it is and where it meets it."""

    names: NDArray[Any]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    spots: Spots

    def near(self, access: Sequence[Access]) -> NDArray[np.intp]:
        """Those within reach of the nearest way in."""
        nearest = np.full(len(self.names), np.inf)
        for one in access:
            np.minimum(nearest, np.hypot(self.x - one.x, self.y - one.y), out=nearest)
        return np.flatnonzero(nearest <= REACH_M)


def measure(database: Database, progress: Progress | None = None) -> int:
    """Measure what is to be measured; how many places that were, 0 where no network is loaded.

    Waits for another process that measures: what that has done is not done again.
    """
    measured = 0
    with _connection(database) as cursor:
        # What is moved while the batch runs is found by looking again; each time round something is done.
        done: int | None = None
        while done != 0:
            try:
                done = _measure_once(cursor, progress or silent)
                measured += done
            except NetworkReplaced:
                # With it all that was measured is to be measured anew.
                done = None
        if measured:
            cursor.execute(_FORGET)
            cursor.execute("ANALYZE network.walks")
    return measured


def _measure_once(cursor: Cursor[Any], progress: Progress) -> int:
    # Before anything is read that they depend on: what changes from here on changes its generation.
    todo = dict(cursor.execute(_TO_MEASURE).fetchall())
    loaded = read_loaded(cursor)
    if loaded is None or not todo:
        return 0
    progress(0, len(todo), "Finding where postcodes meet the streets")
    graphs = read_graphs(cursor, loaded.digest)
    if graphs is None:
        raise NetworkReplaced
    with _still(cursor, graphs):
        postcodes = _read_postcodes(cursor)
    measured, keys = 0, list(todo)
    for begin in range(0, len(keys), AT_ONCE):
        progress(begin, len(keys), "Measuring walks")
        some = {key: todo[key] for key in keys[begin : begin + AT_ONCE]}
        measured += _measure_places(cursor, graphs, postcodes, some)
    progress(len(keys), len(keys), "Measuring walks")
    return measured


@contextmanager
def _still(cursor: Cursor[Any], graphs: Graphs) -> Iterator[None]:
    """For reading edges by their keys: raises NetworkReplaced where they are another network's."""
    with one_network(cursor):
        yield
        _require(cursor, graphs)


def _require(cursor: Cursor[Any], graphs: Graphs) -> None:
    loaded = read_loaded(cursor)
    if loaded is None or loaded.digest != graphs.digest:
        raise NetworkReplaced


def _measure_places(cursor: Cursor[Any], graphs: Graphs, postcodes: Postcodes, places: dict[int, int]) -> int:
    ways_in: dict[int, list[Access]] = {place: [] for place in places}
    with _still(cursor, graphs):
        for access in read_access(cursor, list(places)):
            ways_in[access.place].append(access)
    metres = np.array([_distances(found, graphs.all, postcodes) for found in ways_in.values()])
    with cursor.connection.transaction():
        (batch,) = cursor.execute("SELECT nextval('network.batches')").fetchone() or (0,)
        with cursor.copy("COPY network.walks (batch, postcode, places, metres) FROM STDIN") as copy:
            copy.write("".join(_rows(batch, np.array(list(places)), metres, postcodes)))
        # From here on these places stay where they are until the end of the transaction.
        settling = {"batch": batch, "keys": list(places), "generations": list(places.values())}
        settled = [key for (key,) in cursor.execute(_SETTLE, settling).fetchall()]
        _require(cursor, graphs)
        cursor.execute("DELETE FROM network.access WHERE place = ANY (%s)", (settled,))
        columns = "place, edge, fraction, metres, method, geom"
        with cursor.copy(f"COPY network.access ({columns}) FROM STDIN") as copy:
            for access in (one for place in settled for one in ways_in[place]):
                spot, point = access.spot, f"SRID=27700;POINT({access.x!r} {access.y!r})"
                copy.write_row((access.place, spot.edge, spot.fraction, spot.metres, access.method, point))
    return len(settled)


def _distances(found: list[Access], graph: Graph, postcodes: Postcodes) -> NDArray[np.float64]:
    """Metres to every postcode; infinite for those out of reach."""
    metres = np.full(len(postcodes.names), np.inf)
    near = postcodes.near(found)
    if len(near):
        spots = postcodes.spots
        some = Spots(spots.edge[near], spots.fraction[near], spots.metres[near])
        metres[near] = graph.to_spots([access.spot for access in found], some, FARTHEST_WALK_M)
    metres[metres > FARTHEST_WALK_M] = np.inf
    return metres


def _rows(
    batch: int, places: NDArray[np.int64], metres: NDArray[np.float64], postcodes: Postcodes
) -> Iterator[str]:
    known = np.isfinite(metres)
    for number in np.flatnonzero(known.any(axis=0)):
        reached = known[:, number]
        keys = ",".join(map(str, places[reached].tolist()))
        far = ",".join(map(str, np.rint(metres[reached, number]).astype(int).tolist()))
        yield f"{batch}\t{postcodes.names[number]}\t{{{keys}}}\t{{{far}}}\n"


def _read_postcodes(cursor: Cursor[Any]) -> Postcodes:
    rows = cursor.execute(_POSTCODES, {"step_free": False, "farthest": FARTHEST_ACCESS_M}).fetchall()
    names, x, y, edge, fraction, metres = zip(*rows, strict=True) if rows else ((),) * 6
    return Postcodes(
        np.array(names, dtype=object),
        np.array(x, dtype=np.float64),
        np.array(y, dtype=np.float64),
        Spots(
            np.array(edge, dtype=np.int32),
            np.array(fraction, dtype=np.float64),
            np.array(metres, dtype=np.float64),
        ),
    )


@contextmanager
def _connection(database: Database) -> Iterator[Cursor[Any]]:
    pooled = database.owner.raw_connection()
    connection: psycopg.Connection[Any] = pooled.driver_connection  # type: ignore[assignment]
    autocommit = connection.autocommit
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SELECT pg_advisory_lock(%s)", (MEASURING_LOCK,))
            cursor.execute("RESET lock_timeout")
            try:
                yield cursor
            finally:
                if not connection.closed and not connection.broken:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", (MEASURING_LOCK,))
    finally:
        if not connection.closed:
            connection.autocommit = autocommit
        pooled.close()
