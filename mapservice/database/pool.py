"""Connections for reading, kept between requests: a stack, so that the one used last is the one used next.

SQLAlchemy's pool serves the roles that write. Here its bookkeeping would cost as much as a small statement.
"""

from __future__ import annotations

import contextlib
import queue
import select
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

OLDEST_S = 30 * 60.0
"""A connection is not kept for longer: what its server process holds in memory only ever grows."""

Connection = psycopg.Connection[tuple[Any, ...]]


class NoConnection(psycopg.OperationalError):
    """Every connection there may be is in use, and stayed so for as long as anybody should wait."""


class ReadingPool:
    """At most `most` connections at once, of which `kept` stay open between uses. Safe for threads."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        kept: int,
        most: int,
        patience_s: float,
        oldest_s: float = OLDEST_S,
    ) -> None:
        self._connect = connect
        self._kept = kept
        self._patience_s = patience_s
        self._oldest_s = oldest_s
        self._born: weakref.WeakKeyDictionary[Connection, float] = weakref.WeakKeyDictionary()
        self._idle: deque[Connection] = deque()
        # A semaphore, and the cheapest there is.
        self._places: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(most):
            self._places.put(None)

    def take(self) -> Connection:
        """A connection that works, for the caller alone until given back; raises NoConnection."""
        try:
            self._places.get(timeout=self._patience_s)
        except queue.Empty:
            raise NoConnection(f"no connection became free within {self._patience_s:g} seconds") from None
        try:
            with contextlib.suppress(IndexError):
                while not is_alive(found := self._idle.pop()):
                    found.close()
                return found
            made = self._connect()
            self._born[made] = time.monotonic()
            return made
        except BaseException:
            self._places.put(None)
            raise

    def give_back(self, connection: Connection) -> None:
        """Take a connection back; an old one, or one in the middle of something, is not used again."""
        settled = connection.pgconn.transaction_status == TransactionStatus.IDLE
        young = time.monotonic() - self._born.get(connection, 0.0) < self._oldest_s
        if settled and young and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.close()
        self._places.put(None)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back, or kept by whoever goes on."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()


def is_alive(connection: Any) -> bool:
    """Whether a connection that is idle can be used, as far as this side knows: it survives a restart so.

    The server says nothing to an idle connection unless it ends it, so a readable socket is a dead one: this
    costs a system call where asking the server would cost a round trip.
    """
    return not (connection.closed or is_readable(connection.fileno()))


def is_readable(descriptor: int) -> bool:
    """Whether something has come in, the end included. Not select, which knows no descriptor past 1023."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
