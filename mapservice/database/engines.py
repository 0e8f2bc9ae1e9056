"""Connections to the database, one pool for each role.

Three roles, so that a mistake has a ceiling: the reader cannot write, the editor cannot change tables, and
only migrations and imports run as the owner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import psycopg
import sqlalchemy
from sqlalchemy import URL, Engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, SessionTransaction

from mapservice.database import roles
from mapservice.database.cluster import DATABASE_NAME, PORT, Cluster
from mapservice.database.pool import ReadingPool, is_alive
from mapservice.settings import Settings

EDITOR_STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 30_000
CANCEL_TIMEOUT_S = 5.0
PATIENCE_S = 10.0
"""So long anybody waits for a connection of a pool in which none is free."""


@dataclass(frozen=True)
class Address:
    """Where a database is: a connection address, and whether its roles are logged in as or taken on."""

    url: URL
    login_as_role: bool

    def connect_as_role(self, role: str, options: dict[str, str]) -> tuple[URL, dict[str, str]]:
        """The URL and the psycopg arguments that make a connection act as `role`."""
        url = self.url.set(username=role) if self.login_as_role else self.url
        settings = options if self.login_as_role else {"role": role, **options}
        given = url.query.get("options", "")
        words = [given if isinstance(given, str) else " ".join(given)]
        words += [f"-c {name}={value}" for name, value in settings.items()]
        return url.difference_update_query(["options"]), {"options": " ".join(words).strip()}


@dataclass(slots=True, eq=False)
class Reading:
    """A connection while one thread reads on it; cancelling holds the lock, lest it hit the next reader."""

    connection: psycopg.Connection[tuple[Any, ...]]
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False


@dataclass(frozen=True)
class Database:
    """The database as the rest of the service sees it: three engines and two ways to use them."""

    owner: Engine
    """Role mapservice_owner: migrations and imports."""
    editor: Engine
    """Role mapservice_editor: changes people make."""
    reader: Engine
    """Role mapservice_reader for SQLAlchemy: read-only, with a time limit; may go to a replica."""
    pool: ReadingPool
    """The same role for `reading`."""
    _readings: dict[int, Reading] = field(default_factory=dict, repr=False)

    @classmethod
    def connect(cls, settings: Settings) -> Self:
        """Pools for the database the settings name, or for the private cluster, which must be running.

        Nothing is connected until first used.
        """
        write = address(settings)
        read = write
        if settings.database_read_url is not None:
            read = Address(server_url(settings.database_read_url.get_secret_value()), login_as_role=False)
        return cls.at(write, settings, read)

    @classmethod
    def at(cls, write: Address, settings: Settings, read: Address | None = None) -> Self:
        """Pools for the database at an address, with the limits of the settings."""
        threads = settings.threads
        lock = {"lock_timeout": str(LOCK_TIMEOUT_MS)}
        reading = {
            "client_encoding": "UTF8",
            "default_transaction_read_only": "on",
            "statement_timeout": str(settings.statement_timeout_ms),
            "idle_in_transaction_session_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
            "jit": "off",
        }
        return cls(
            owner=_engine(write, roles.OWNER, lock, size=1, overflow=2),
            editor=_engine(
                write,
                roles.EDITOR,
                {
                    **lock,
                    "statement_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
                    "idle_in_transaction_session_timeout": str(EDITOR_STATEMENT_TIMEOUT_MS),
                },
                size=1,
                overflow=threads,
            ),
            reader=_engine(read or write, roles.READER, reading, size=1, overflow=1, autocommit=True),
            pool=ReadingPool(
                partial(_connect_to_read, read or write, reading),
                kept=threads,
                # A request holds at most two, the second for a moment; one more for the health check.
                most=2 * threads + 1,
                patience_s=PATIENCE_S,
            ),
        )

    @contextmanager
    def session(self, actor: str, reason: str | None = None, *, as_owner: bool = False) -> Iterator[Session]:
        """A session that commits at the end and rolls back on an error.

        The database writes `actor` (who) and `reason` (why) beside every change it records in the history.
        """
        with Session(self.owner if as_owner else self.editor) as session:

            @event.listens_for(session, "after_begin")
            def _say_who(_: Session, __: SessionTransaction, connection: sqlalchemy.Connection) -> None:
                # For each transaction anew: the setting ends with the transaction, so that a pooled
                # connection never carries one person's name into another's change.
                connection.execute(
                    text(
                        "SELECT set_config('mapservice.actor', :actor, true),"
                        " set_config('mapservice.reason', :reason, true)"
                    ),
                    {"actor": actor, "reason": reason or ""},
                )

            with session.begin():
                yield session

    @contextmanager
    def reading(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        """A psycopg cursor (rows are tuples) on a pooled reader connection, in autocommit.

        Each statement is its own snapshot and one round trip; use `cursor.connection.transaction()` where
        several must agree. `cancel_reading` of another thread can stop what it runs.
        """
        with self.connected() as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """The connection of `reading` alone, for `rows.run`."""
        mine = Reading(self.pool.take())
        thread = threading.get_ident()
        outer = self._readings.get(thread)
        self._readings[thread] = mine
        try:
            yield mine.connection
        finally:
            if outer is None:
                del self._readings[thread]
            else:
                self._readings[thread] = outer
            # From here on nobody cancels on this connection: it may be somebody else's next.
            with mine.lock:
                mine.over = True
            self.pool.give_back(mine.connection)

    def cancel_reading(self, thread: int, still_wanted: Callable[[], bool]) -> None:
        """Cancel what a thread reads, if it reads anything and `still_wanted` says that it is still that."""
        reading = self._readings.get(thread)
        if reading is not None:
            with reading.lock:
                if not reading.over and still_wanted():
                    reading.connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.owner, self.editor, self.reader):
            engine.dispose()
        self.pool.close()


def address(settings: Settings) -> Address:
    """Where the settings say the database is."""
    if settings.database_url is not None:
        return Address(server_url(settings.database_url.get_secret_value()), login_as_role=False)
    return cluster_address(Cluster.socket_dir_of(settings.var_dir))


def cluster_address(socket_dir: object, database: str = DATABASE_NAME) -> Address:
    """The address of a database in a private cluster."""
    query = {"host": str(socket_dir)}
    return Address(
        URL.create("postgresql+psycopg", database=database, port=PORT, query=query), login_as_role=True
    )


def server_url(url: str) -> URL:
    """A DATABASE_URL as SQLAlchemy wants it: the same, with the driver named."""
    return sqlalchemy.make_url(url.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg"
    )


def plain_url(target: Address) -> str:
    """An address as psycopg wants it, passwords included: for connecting, never for showing."""
    return target.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _engine(
    target: Address, role: str, options: dict[str, str], *, size: int, overflow: int, autocommit: bool = False
) -> Engine:
    url, arguments = target.connect_as_role(role, {"TimeZone": "UTC", **options})
    quick: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
    engine = sqlalchemy.create_engine(
        url,
        connect_args={**arguments, "application_name": role, "connect_timeout": 10},
        pool_size=size,
        max_overflow=overflow,
        pool_timeout=PATIENCE_S,
        # What a statement was given may be somebody's address: errors are logged without it.
        hide_parameters=True,
        **quick,
    )
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: Any, *_: object) -> None:
    """Survive a restart of the database: a connection that died is replaced before it is handed out."""
    if not is_alive(connection):
        raise DisconnectionError


def _connect_to_read(target: Address, options: dict[str, str]) -> psycopg.Connection[tuple[Any, ...]]:
    """Autocommit: reading leaves nothing to roll back, so that a request costs one round trip."""
    url, arguments = target.connect_as_role(roles.READER, {"TimeZone": "UTC", **options})
    return psycopg.connect(
        plain_url(Address(url, login_as_role=True)),
        autocommit=True,
        application_name=roles.READER,
        connect_timeout=10,
        options=arguments["options"],
    )
