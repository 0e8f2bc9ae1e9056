"""A resident's question: the whole page beside its own statements alone, and what more places cost.

Asks the service that runs, or one started for it. The floor is a server of the same kind that runs the page's
statements, with the values that the page runs them with, and hands out the rows of the first as they came.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response
from psycopg import Cursor
from sqlalchemy import text

from benchmarks import load, processes
from benchmarks.pages import service
from benchmarks.servers import SERVICE, free_port
from mapservice import serving
from mapservice.database import Database, locks, rows
from mapservice.database.opening import lock_file
from mapservice.finder import search as searching
from mapservice.finder.choosing import choose
from mapservice.finder.locate import Located
from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.layer import Layer
from mapservice.layers.outlines import Square, read_outlines
from mapservice.layers.visibility import ANONYMOUS
from mapservice.maps.drawn import square_around
from mapservice.network import REACH_M
from mapservice.network.walking import walking
from mapservice.register.borough import read_borough
from mapservice.services.offers import offers_at
from mapservice.settings import load_settings
from mapservice.web.finder import FOR_NEED
from mapservice.web.promise import AFTER_START_S
from mapservice.web.sheet import MOST_PLACES

NEED = "food"
SECONDS = 5
ROUNDS = 3
MANY = 100
MANY_SECONDS = 60
TIMES_AS_MANY = 100
QUIET_S = 4
START = searching.Start(postcodes=("N1 9JP",))

# As many places again, each with the same neighbourhood somewhere else: out of everybody's reach.
_MORE = text("""
INSERT INTO layers.assets (row_key, id, {columns}, geom)
SELECT row_key || '-' || n, id || '-' || n, {columns}, ST_Translate(geom, 20000 + 5000 * (n % 10), 20000)
FROM layers.assets, generate_series(1, :times - 1) n
""").text


@dataclass(frozen=True)
class Answered:
    """What the page's later statements ask for, which the page finds out from the rows of the first."""

    located: Located
    told: list[str]
    square: Square


def floor() -> Flask:
    """A server that runs the page's statements by the page's own shortest way, and does nothing besides."""
    settings = load_settings()
    database = Database.connect(settings)
    drawn = [layer for layer in build_catalogue(read_borough(settings.geodata_dir)) if layer.style.shown]
    kinds = [layer for layer in drawn if layer.page == "/assets/"]
    statement, parameters = question(kinds)
    with database.reading() as cursor:
        known = _answered(cursor, kinds)
    here = known.located
    app = Flask(__name__)

    @app.get("/find")
    def find() -> Response:
        with database.reading() as cursor:
            found = rows.run(cursor.connection, statement, parameters)
            walking(cursor, here.longitude, here.latitude, here.postcode)
            offers_at(cursor, known.told)
            # Those of the map on the sheet for paper.
            read_outlines(cursor, drawn, known.square, ANONYMOUS)
        facts = b"".join(found.get_value(row, found.nfields - 1) or b"" for row in range(found.ntuples))
        return Response(facts, content_type="text/plain")

    return app


def _answered(cursor: Cursor[Any], kinds: list[Layer]) -> Answered:
    wishes = searching.Wishes()
    found = searching.search(cursor, kinds, START, NEED, wishes, datetime.now(UTC))
    if found is None:
        sys.exit("The register does not know the postcode that is asked about.")
    hubs = found.of("hub")[:1]
    named = [*hubs, *choose(found, wishes, {place.id for place in hubs}, FOR_NEED).places]
    told = {place.id for place in named}
    spots = [place.point for place in named[:MOST_PLACES] if place.point]
    you = (found.located.longitude, found.located.latitude)
    return Answered(
        found.located, [place.id for place in found.places if place.id in told], square_around(you, spots)
    )


def question(layers: list[Layer]) -> tuple[str, dict[str, object]]:
    """The statement behind a question, and its parameters."""
    wishes = searching.Wishes()
    statement = searching.statement_of(layers, START.kind, True, wishes, 3)
    return statement, searching.parameters_of(START, NEED, wishes, REACH_M, ("public",))


def main() -> None:
    """Measure, and print a line for each."""
    settings = load_settings()
    query = f"/find?postcode={START.postcodes[0].replace(' ', '+')}&need={NEED}"
    wrk = load.find_wrk()
    with service(settings) as address:
        port = free_port()
        given = serving.environment(settings.model_copy(update={"port": port, "host": "127.0.0.1"}))
        beside = subprocess.Popen(
            [*SERVICE, "benchmarks.find:floor()"], env={**given, "MAPSERVICE_LOG_LEVEL": "warning"}
        )
        try:
            _wait(f"http://127.0.0.1:{port}{query}")
            keeper = locks.holder_of(lock_file(settings))
            pids = [beside.pid, *([keeper.pid] if keeper else [])]
            _settle(pids)
            _ratio(wrk, address, f"http://127.0.0.1:{port}", query, pids)
        finally:
            beside.terminate()
            beside.wait()
        _many(wrk, address, query)
        _scaling(Database.connect(settings))


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=30).close()
            return
        time.sleep(0.3)
    sys.exit("The floor did not start.")


def _settle(pids: list[int]) -> None:
    """Until what the processes do of themselves after their start is done: above all to check the promise."""
    time.sleep(AFTER_START_S)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        before = sum(map(processes.family_seconds, pids))
        time.sleep(QUIET_S)
        if sum(map(processes.family_seconds, pids)) - before < QUIET_S / 20:
            return
    print("The service has not come to rest: the figures hold work that is no request's.", flush=True)


def _ratio(wrk: str | None, ours: str, floor_address: str, query: str, pids: list[int]) -> None:
    """Answers a second, and of processor time: of the service, its database and the floor together."""
    for connections in (1, 4):
        rates: dict[str, list[float]] = {ours: [], floor_address: []}
        thrift: dict[str, list[float]] = {ours: [], floor_address: []}
        for _ in range(ROUNDS):
            for address, found in rates.items():
                before = sum(map(processes.family_seconds, pids))
                done = load.run(wrk, address + query, {}, connections, SECONDS)
                spent = sum(map(processes.family_seconds, pids)) - before
                found.append((done.answers - done.failed) / done.seconds)
                thrift[address].append((done.answers - done.failed) / spent)
        for kind, given in (("second", rates), ("second of processor time", thrift)):
            page, alone = (statistics.median(found) for found in given.values())
            print(
                f"{connections} at once, per {kind}: the page {page:.0f}, its statements alone {alone:.0f}: "
                f"{page / alone:.2f} of the floor",
                flush=True,
            )


def _many(wrk: str | None, address: str, query: str) -> None:
    done = load.run(wrk, address + query, {}, MANY, MANY_SECONDS)
    print(
        f"{MANY} residents at once for {done.seconds:.0f} s: {done.answers} answers, {done.failed} errors",
        flush=True,
    )


def _scaling(database: Database) -> None:
    """The statement's time in the database, now and with many times the places; nothing of it stays."""
    layers = [
        layer
        for layer in build_catalogue(read_borough(load_settings().geodata_dir))
        if layer.page == "/assets/" and layer.style.shown
    ]
    statement, parameters = question(layers)
    with database.owner.connect() as connection:
        cursor = connection.connection.cursor()
        before = _measured(cursor, statement.encode(), parameters)
        columns = [
            row[0]
            for row in cursor.execute(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = 'layers.assets'::regclass"
                " AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('row_key', 'id', 'geom', 'hub_for')"
            ).fetchall()
        ]
        cursor.execute("ALTER TABLE layers.assets DISABLE TRIGGER USER")
        more = _MORE.format(columns=", ".join(columns)).replace(":times", str(TIMES_AS_MANY))
        cursor.execute(more)
        cursor.execute("ANALYZE layers.assets")
        after = _measured(cursor, statement.encode(), parameters)
        connection.rollback()
    print(
        f"The statement with {TIMES_AS_MANY} times the places: {after[0]:.1f} ms, {after[1]} blocks; "
        f"with those there are {before[0]:.1f} ms, {before[1]} blocks",
        flush=True,
    )


def _measured(cursor: object, statement: bytes, parameters: dict[str, object]) -> tuple[float, int]:
    found = []
    for _ in range(7):
        plan = cursor.execute(  # type: ignore[attr-defined]
            b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, parameters
        ).fetchone()[0][0]
        found.append((plan["Execution Time"], plan["Plan"]["Shared Hit Blocks"]))
    return statistics.median(time for time, _ in found), found[-1][1]


if __name__ == "__main__":
    began = datetime.now(UTC)
    main()
    print(f"It took {(datetime.now(UTC) - began).total_seconds():.0f} s.")
