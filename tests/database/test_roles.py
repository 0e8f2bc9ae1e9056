"""The roles' ceilings, and preparing a database that others administer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, ProgrammingError

from mapservice.database import Database, roles
from mapservice.database.cluster import Cluster
from mapservice.database.engines import Address, server_url
from mapservice.settings import Settings


def test_each_engine_acts_as_its_role(bare_database: Database) -> None:
    for engine, role in (
        (bare_database.owner, roles.OWNER),
        (bare_database.editor, roles.EDITOR),
        (bare_database.reader, roles.READER),
    ):
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == role
            assert connection.scalar(text("SELECT current_setting('TimeZone')")) == "UTC"


def test_preparing_a_prepared_database_needs_nothing(cluster: Cluster) -> None:
    with cluster.connect() as connection:
        assert roles.prepare(connection, login=True) == []


def test_the_reader_cannot_write(bare_database: Database) -> None:
    with bare_database.owner.begin() as connection:
        connection.execute(text("CREATE TABLE t (n int)"))
        connection.execute(text(f"GRANT ALL ON t TO {roles.READER}"))
    with bare_database.reader.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("INSERT INTO t VALUES (1)"))


def test_a_reading_query_has_a_time_limit(bare_database: Database, settings: Settings) -> None:
    with bare_database.reader.connect() as connection:
        limit = connection.scalar(
            text("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
        )
    assert limit == settings.statement_timeout_ms


@pytest.mark.parametrize("role", ["editor", "reader"])
def test_only_the_owner_creates_tables(bare_database: Database, role: str) -> None:
    with getattr(bare_database, role).connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.commit()
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text("CREATE TABLE public.t (n int)"))


@pytest.mark.parametrize("role", roles.ROLES)
def test_no_role_is_more_than_it_seems(cluster: Cluster, role: str) -> None:
    with cluster.connect() as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = %s",
            (role,),
        ).fetchone()
    assert row == (False,) * 5


def test_the_owner_may_add_a_coordinate_system(bare_database: Database) -> None:
    with bare_database.owner.begin() as connection:
        connection.execute(text("INSERT INTO spatial_ref_sys (srid, auth_name) VALUES (998277, 'test')"))


def test_a_session_says_who_and_why_and_commits(bare_database: Database) -> None:
    with bare_database.session("ada", "to see", as_owner=True) as session:
        session.execute(
            text(
                "CREATE TABLE said AS SELECT current_setting('mapservice.actor') AS who,"
                " current_setting('mapservice.reason') AS why"
            )
        )
    with bare_database.owner.connect() as connection:
        assert tuple(connection.execute(text("SELECT who, why FROM said")).one()) == ("ada", "to see")
        # Nothing of it is left on the pooled connection for the next person.
        assert not connection.scalar(text("SELECT current_setting('mapservice.actor', true)"))


def test_a_session_that_fails_leaves_nothing(bare_database: Database) -> None:
    def fail() -> None:
        with bare_database.session("ada", as_owner=True) as session:
            session.execute(text("CREATE TABLE gone (n int)"))
            session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DataError, match="division by zero"):
        fail()
    with bare_database.owner.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('gone')")) is None


def test_reading_gives_tuples_and_keeps_nothing(bare_database: Database) -> None:
    with bare_database.reading() as cursor:
        assert cursor.execute("SELECT 1, 'a'").fetchone() == (1, "a")
        cursor.execute("SET LOCAL work_mem = '64kB'")
    with bare_database.reading() as cursor:
        assert cursor.execute("SHOW work_mem").fetchone() != ("64kB",)


def test_a_lost_connection_is_replaced(bare_database: Database, cluster: Cluster) -> None:
    with bare_database.reading() as cursor:
        pid = cursor.connection.info.backend_pid
    with cluster.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with bare_database.reading() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def administered(cluster: Cluster) -> Iterator[str]:
    """An empty database whose everyday account is no superuser, as a hosted one is; yields its name."""
    with cluster.connect("postgres") as connection:
        connection.execute("CREATE ROLE hosted LOGIN")
        connection.execute("CREATE DATABASE hosted OWNER hosted TEMPLATE template0")
    yield "hosted"
    with cluster.connect("postgres") as connection:
        connection.execute("DROP DATABASE hosted WITH (FORCE)")
        connection.execute("DROP ROLE hosted")


def test_an_account_that_may_not_is_told_what_to_ask_for(cluster: Cluster, administered: str) -> None:
    with cluster.connect(administered) as connection:
        connection.execute("SET SESSION AUTHORIZATION hosted")
        with pytest.raises(roles.RolesError) as caught:
            roles.prepare(connection, login=False)
    message = str(caught.value)
    assert "administrator" in message
    assert 'GRANT "mapservice_owner" TO "hosted"' in message


def test_an_administrator_can_prepare_a_server(
    cluster: Cluster, administered: str, settings: Settings
) -> None:
    with cluster.connect(administered) as connection:
        assert roles.prepare(connection, login=False)
        assert roles.prepare(connection, login=False) == []
    url = server_url(f"postgres://postgres@/{administered}?host={cluster.socket_dir}")
    database = Database.at(Address(url, login_as_role=False), settings)
    try:
        with database.reading() as cursor:
            cursor.execute("SELECT current_user, current_setting('is_superuser'), postgis_lib_version()")
            assert (cursor.fetchone() or ())[:2] == (roles.READER, "off")
        with database.owner.begin() as connection:
            connection.execute(text("CREATE SCHEMA layers"))
    finally:
        database.dispose()


def test_options_in_the_address_are_kept(
    cluster: Cluster, settings: Settings, bare_database: Database
) -> None:
    name = bare_database.owner.url.database
    url = server_url(f"postgresql://postgres@/{name}?host={cluster.socket_dir}&options=-c%20work_mem%3D5MB")
    database = Database.at(Address(url, login_as_role=False), settings)
    with database.reading() as cursor:
        assert cursor.execute("SELECT current_user, current_setting('work_mem')").fetchone() == (
            roles.READER,
            "5MB",
        )
    database.dispose()
