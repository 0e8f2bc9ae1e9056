"""Statements prepared by hand: they outlive what goes wrong on their connection."""

from __future__ import annotations

import psycopg
import pytest

from mapservice.database import rows

ONE = "SELECT %(number)s::int AS number"


@pytest.fixture
def connection(cluster):
    with psycopg.connect(f"postgresql://postgres@/loaded?host={cluster.socket_dir}", autocommit=True) as made:
        yield made


def one(connection):
    return rows.run(connection, ONE, {"number": 1}).get_value(0, 0)


def prepared(connection):
    return connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()[0]


def test_psycopg_may_forget_all_that_was_prepared(connection):
    assert one(connection) == b"1"
    # As psycopg does after a transaction that it rolled back.
    connection.execute("DEALLOCATE ALL")
    assert one(connection) == b"1"


def test_what_psycopg_prepared_itself_is_left_alone(connection):
    one(connection)
    connection.execute("SELECT 2", prepare=True)
    rows.forget(connection)
    assert connection.execute("SELECT 2", prepare=True).fetchone() == (2,)
    assert one(connection) == b"1"


def test_a_table_may_change_its_columns(connection):
    connection.execute("CREATE TEMP TABLE changing AS SELECT 1 AS a")
    assert rows.run(connection, "SELECT * FROM changing", {}).nfields == 1
    connection.execute("ALTER TABLE changing ADD COLUMN b int")
    assert rows.run(connection, "SELECT * FROM changing", {}).nfields == 2


def test_failures_leave_nothing_behind(connection):
    one(connection)
    with pytest.raises(psycopg.errors.DivisionByZero):
        rows.run(connection, "SELECT 1 / %(number)s::int", {"number": 0})
    before = prepared(connection)
    for _ in range(20):
        with pytest.raises(psycopg.errors.DivisionByZero):
            rows.run(connection, "SELECT 1 / %(number)s::int", {"number": 0})
    assert prepared(connection) == before


def test_a_lost_connection_is_said_to_be_lost(connection, cluster):
    one(connection)
    with cluster.connect("postgres") as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        one(connection)
