"""The network in the database, and its graph in memory: built once for each network and process, and kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from psycopg import Cursor
from psycopg.pq import TransactionStatus

from mapservice.network.build import Network
from mapservice.network.graph import Graph, build_graph

GRID = 27700

_CURRENT = """
    SELECT kind, title, licence, licence_url, attribution, file, data_date, digest, nodes, edges, metres
    FROM network.loads WHERE current
"""
# One statement, so that digest and edges are of the same network even while another is taken in.
_ARRAYS = """
    SELECT l.digest, e.from_node, e.to_node, e.metres, e.step_free
    FROM network.loads l CROSS JOIN LATERAL (
        SELECT string_agg(int4send(from_node), ''::bytea ORDER BY key) AS from_node,
               string_agg(int4send(to_node), ''::bytea ORDER BY key) AS to_node,
               string_agg(float4send(metres), ''::bytea ORDER BY key) AS metres,
               string_agg(boolsend(step_free), ''::bytea ORDER BY key) AS step_free
        FROM network.edges
    ) e
    WHERE l.current
"""
_KEPT = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Where a network comes from, and what has to be said of it wherever it is used."""

    kind: str
    title: str
    licence: str
    licence_url: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The network in use; `data_date` is how old the data is, as far as that is known."""

    source: Source
    file: str
    data_date: date | None
    digest: str
    nodes: int
    edges: int
    metres: float


@dataclass(frozen=True, slots=True)
class Graphs:
    """A network's graph for everyone, and the one without steps."""

    digest: str
    all: Graph
    step_free: Graph


_graphs: dict[str, Graphs] = {}
_lock = threading.Lock()


class NetworkReplaced(Exception):
    """Another network has taken the place of the one whose graph is at hand."""


@contextmanager
def one_network(cursor: Cursor[Any]) -> Iterator[None]:
    """Statements that agree with each other on which network is in use, and so on what edges are called.

    In a transaction that has begun already there is nothing more to do than it does.
    """
    connection = cursor.connection
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    with connection.transaction():
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def read_loaded(cursor: Cursor[Any]) -> Loaded | None:
    """The network in use, or None: then distances are straight lines, and say so."""
    row = cursor.execute(_CURRENT).fetchone()
    return Loaded(Source(*row[:5]), *row[5:]) if row else None


def read_graphs(cursor: Cursor[Any], digest: str) -> Graphs | None:
    """The graphs of the network with this digest; None if it is not the one in use any more."""
    with _lock:
        if digest not in _graphs:
            row = cursor.execute(_ARRAYS, binary=True).fetchone()
            if row is None or row[0] != digest:
                return None
            from_node, to_node = (np.frombuffer(row[n], ">i4").astype(np.int32) for n in (1, 2))
            metres = np.frombuffer(row[3], ">f4").astype(np.float64)
            allowed = np.frombuffer(row[4], np.bool_)
            built = Graphs(
                digest,
                build_graph(from_node, to_node, metres),
                build_graph(from_node, to_node, metres, allowed),
            )
            while len(_graphs) >= _KEPT:
                del _graphs[next(iter(_graphs))]
            _graphs[digest] = built
        return _graphs[digest]


def replace_network(
    cursor: Cursor[Any], network: Network, source: Source, file: str, data_date: date | None
) -> bool:
    """Put a network in the place of the one in use; False if it is the same one already.

    All places are to be measured anew. Rows are deleted rather than truncated, so that nobody who reads has
    to wait for the end of the import.
    """
    current = read_loaded(cursor)
    digest = network.digest
    if current is not None and current.digest == digest and current.source == source:
        return False
    cursor.execute("DELETE FROM network.walks")
    cursor.execute("DELETE FROM network.access")
    cursor.execute("DELETE FROM network.edges")
    cursor.execute("DELETE FROM network.nodes")
    with cursor.copy("COPY network.nodes (key, geom) FROM STDIN") as copy:
        for key, point in enumerate(_ewkb(shapely.points(network.nodes))):
            copy.write_row((key, point))
    columns = "key, from_node, to_node, metres, kind, step_free, at_grade, reference, geom"
    with cursor.copy(f"COPY network.edges ({columns}) FROM STDIN") as copy:
        for key, (start, end, metres, way, line) in enumerate(
            zip(
                network.from_node.tolist(),
                network.to_node.tolist(),
                network.metres.tolist(),
                network.ways,
                _ewkb(network.lines),
                strict=True,
            )
        ):
            copy.write_row(
                (key, start, end, metres, way.kind, way.step_free, way.at_grade, way.reference, line)
            )
    cursor.execute("UPDATE network.loads SET current = false WHERE current")
    cursor.execute(
        "INSERT INTO network.loads (kind, title, licence, licence_url, attribution, file, data_date, digest,"
        " nodes, edges, metres, current) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)",
        (
            source.kind,
            source.title,
            source.licence,
            source.licence_url,
            source.attribution,
            file,
            data_date,
            digest,
            len(network.nodes),
            len(network.ways),
            float(network.metres.sum()),
        ),
    )
    cursor.execute("UPDATE network.places SET generation = generation + 1, measured = NULL, batch = NULL")
    cursor.execute("ANALYZE network.edges")
    return True


def _ewkb(geometries: Any) -> Any:
    return shapely.to_wkb(shapely.set_srid(geometries, GRID), hex=True, include_srid=True)
