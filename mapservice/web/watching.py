"""When a client leaves, what the database still computes for it is cancelled."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import g, request

from mapservice.database.pool import is_readable

if TYPE_CHECKING:
    from flask import Flask

EVERY_SECONDS = 0.25
# The client is at the other end of this socket; only gunicorn hands it over.
SOCKET = "gunicorn.socket"


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A request under way: who waits for it, and how to give it up."""

    client: socket.socket
    give_up: Callable[[Callable[[], bool]], None]
    since: float


class Watcher:
    """Looks a few times a second whether the clients of requests under way are still there."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    def add(self, client: socket.socket, give_up: Callable[[Callable[[], bool]], None]) -> None:
        """Watch the client of the request that the calling thread serves.

        `give_up` is given a function that says whether the thread still serves that request.
        """
        self._watched[threading.get_ident()] = Watched(client, give_up, time.monotonic())
        if self._thread is None or not self._thread.is_alive():
            with self._start:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
                    self._thread.start()

    def remove(self) -> None:
        """The calling thread is done with its request."""
        self._watched.pop(threading.get_ident(), None)

    def _watch(self) -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            late = time.monotonic() - EVERY_SECONDS
            for thread, watched in list(self._watched.items()):
                # Short requests end by themselves.
                if watched.since < late and has_left(watched.client):
                    watched.give_up(partial(self._serves, thread, watched))

    def _serves(self, thread: int, watched: Watched) -> bool:
        return self._watched.get(thread) is watched


def has_left(client: socket.socket) -> bool:
    """Whether the other end has closed the connection."""
    try:
        if not is_readable(client.fileno()):
            return False
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (OSError, ValueError):
        return True


def init_watching(app: Flask) -> None:
    """Cancel the reading of every request whose client leaves."""
    watcher = app.extensions["watcher"] = Watcher()

    @app.before_request
    def watch() -> None:
        client = request.environ.get(SOCKET)
        if client is not None:
            thread = threading.get_ident()
            database = app.extensions["database"]
            watcher.add(client, partial(database.cancel_reading, thread))
            g.watched = True

    @app.teardown_request
    def done(_: BaseException | None) -> None:
        if g.pop("watched", False):
            watcher.remove()
