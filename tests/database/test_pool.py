"""The pool for reading: bounded, patient for so long and no longer, and free of connections that died."""

import dataclasses
import fcntl
import os
import resource
import socket
import threading
import time
from types import SimpleNamespace

import psycopg
import pytest

from mapservice.database import rows
from mapservice.database.pool import NoConnection, ReadingPool, is_alive
from mapservice.web.watching import has_left


@pytest.fixture
def pool(bare_database):
    """A pool of at most two connections, of which one is kept."""
    made = ReadingPool(bare_database.pool._connect, kept=1, most=2, patience_s=0.2)
    yield made
    made.close()


def test_no_more_than_stated_and_no_waiting_without_end(pool):
    held = [pool.take(), pool.take()]
    with pytest.raises(NoConnection, match=r"0\.2 seconds"):
        pool.take()
    waiting = threading.Timer(0.05, pool.give_back, [held[0]])
    waiting.start()
    assert pool.take() is held[0]
    waiting.join()
    for connection in held:
        pool.give_back(connection)
    assert [connection.closed for connection in held] == [False, True]


def test_the_one_used_last_is_used_next_and_the_dead_are_replaced(pool, cluster):
    first = pool.take()
    pool.give_back(first)
    assert pool.take() is first
    pool.give_back(first)
    with cluster.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (first.info.backend_pid,))
    second = pool.take()
    assert second is not first
    assert second.execute("SELECT 1").fetchone() == (1,)
    pool.give_back(second)


def test_one_in_the_middle_of_something_is_not_used_again(pool):
    connection = pool.take()
    connection.execute("BEGIN")
    pool.give_back(connection)
    assert connection.closed


def test_a_place_is_given_back_where_nobody_answers():
    def refuse():
        raise psycopg.OperationalError("nobody there")

    pool = ReadingPool(refuse, kept=1, most=1, patience_s=0.1)
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError, match="nobody there"):
            pool.take()


def test_an_exhausted_pool_is_said_with_when_to_come_back(app):
    database = app.extensions["database"]
    full = ReadingPool(database.pool._connect, kept=0, most=0, patience_s=0.05)
    app.extensions["database"] = dataclasses.replace(database, pool=full)
    try:
        for path in (
            "/api/collections/libraries/items",
            "/api/collections/libraries/items/x",
            "/api/collections",
        ):
            answer = app.test_client().get(path)
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
    finally:
        app.extensions["database"] = database


def test_statements_are_prepared_once_and_the_oldest_forgotten(pool, monkeypatch):
    monkeypatch.setattr(rows, "MOST_PREPARED", 3)
    connection = pool.take()
    count = "SELECT count(*) FROM pg_prepared_statements"
    for number in (1, 2, 3, 4, 5, 5, 5):
        found = rows.run(connection, f"SELECT {number} + %(more)s, '100%%', NULL", {"more": 10})
        assert [found.get_value(0, column) for column in range(3)] == [b"%d" % (number + 10), b"100%", None]
    assert connection.execute(count).fetchone() == (3,)
    pool.give_back(connection)


def test_an_error_is_the_same_as_psycopgs_and_does_no_harm(pool):
    connection = pool.take()
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            rows.run(connection, "SELECT 1 / %(by)s", {"by": 0})
        with pytest.raises(psycopg.errors.UndefinedTable):
            rows.run(connection, "SELECT 1 FROM nowhere", {})
    assert rows.run(connection, "SELECT 1 / %(by)s", {"by": 1}).get_value(0, 0) == b"1"
    pool.give_back(connection)


def test_an_old_connection_is_closed(bare_database):
    pool = ReadingPool(bare_database.pool._connect, kept=1, most=1, patience_s=0.2, oldest_s=0.05)
    connection = pool.take()
    pool.give_back(connection)
    assert pool.take() is connection
    time.sleep(0.06)
    pool.give_back(connection)
    assert connection.closed
    fresh = pool.take()
    assert not fresh.closed
    fresh.close()


@pytest.fixture
def past_1023():
    """The same open file under a number that select cannot take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2000:
        if hard != resource.RLIM_INFINITY and hard < 2000:
            pytest.skip("no more than 1024 files may be open here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
    made = []

    def high(descriptor):
        made.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD, 1500))
        return made[-1]

    yield high
    for descriptor in made:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_open_files_do_no_harm(past_1023):
    here, there = socket.socketpair()
    number = past_1023(here.fileno())
    connection = SimpleNamespace(closed=False, fileno=lambda: number)
    client = socket.socket(fileno=past_1023(here.fileno()))
    assert is_alive(connection)
    assert not has_left(client)
    there.close()
    assert not is_alive(connection)
    assert has_left(client)
    client.detach()
    here.close()
    assert has_left(here)
