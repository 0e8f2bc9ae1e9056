"""Kept answers as the bytes that go out, for requests that come again to the byte.

To take a request apart and to put its answer together costs several times what it costs to ask the database
whether a kept answer still holds. Who asks again mostly sends the same bytes again, and what they mean has
been found out before: by gunicorn, which accepted them, and by the application, which answered. So nothing is
parsed here and nothing decided. The very same bytes from the same address get the very same answer, but for
its date and id, for as long as the database says that the versions stand which it was made from.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from werkzeug.http import http_date

from mapservice.web.caching import GIVEN, CachedAnswers, Given, Key
from mapservice.web.requests import REQUEST_ID, new_id

EXTENSION = "ready_answers"
"""Where the worker finds them among the application's extensions."""
MOST_READY = 2000
LONGEST_REQUEST = 1500
END = b"\r\n\r\n"
ASKS_MORE = {
    "CONTENT_LENGTH",
    "HTTP_EXPECT",
    "HTTP_TE",
    "HTTP_TRAILER",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_UPGRADE",
    "HTTP_X_REQUEST_ID",
}
"""Keys of the WSGI environment: more follows than the head, or the next request will say another thing."""
LOGGED = ("REQUEST_METHOD", "RAW_URI", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL")


@dataclass(frozen=True, slots=True)
class Ready:
    """What went out before: its head around the date, and where its body is kept, if it has one."""

    versions: dict[str, int]
    key: Key | None
    before_date: bytes
    after_date: bytes
    status: str
    logged: Mapping[str, str]


class ReadyAnswers:
    """What is ready to go out, by what was received. Safe for threads."""

    def __init__(self, answers: CachedAnswers) -> None:
        self._answers = answers
        self._ready: dict[bytes, Ready] = {}
        self._lock = threading.Lock()
        # Requests are not held themselves: they say who asks.
        self._secret = secrets.token_bytes(16)

    def name(self, received: bytes, client: str) -> bytes | None:
        """A name for what was received from an address; None where that is not one whole head alone."""
        _, end, more = received.partition(END)
        if not end or more or len(received) > LONGEST_REQUEST:
            return None
        return hashlib.blake2b(client.encode() + b"\n" + received, digest_size=20, key=self._secret).digest()

    def answer(self, name: bytes) -> tuple[Ready, bytes, bytes] | None:
        """What is ready under a name, with head and body to be sent; None where nothing is, or holds."""
        ready = self._ready.get(name)
        if ready is None:
            return None
        kept = self._answers.kept(ready.key) if ready.key else None
        # Another answer to the same question has come in its place, or none is kept any more.
        replaced = ready.key is not None and (kept is None or kept.versions is not ready.versions)
        if replaced or not self._answers.stand(ready.versions):
            with self._lock:
                self._ready.pop(name, None)
            return None
        own = f"Date: {_date(int(time.time()))}\r\n".encode()
        head = b"%b%b%b%b: %b\r\n\r\n" % (
            ready.before_date,
            own,
            ready.after_date,
            REQUEST_ID.encode(),
            new_id().encode(),
        )
        return ready, head, kept.body if kept else b""

    def learn(self, name: bytes, environ: Mapping[str, Any], response: Any) -> None:
        """Make ready what gunicorn has just sent, where it is an answer that may be sent again."""
        given: Given | None = environ.get(GIVEN)
        if given is None or not given.settled or not response.headers_sent:
            return
        if environ["SERVER_PROTOCOL"] != "HTTP/1.1" or not ASKS_MORE.isdisjoint(environ):
            return
        whole = (response.response_length or 0) if given.key else 0
        if response.should_close() or response.chunked or response.sent != whole:
            return
        lines = [*response.default_headers(), *(f"{name}: {value}\r\n" for name, value in response.headers)]
        date = next(number for number, line in enumerate(lines) if line.startswith("Date: "))
        after = [line for line in lines[date + 1 :] if not line.startswith(f"{REQUEST_ID}: ")]
        ready = Ready(
            versions=given.versions,
            key=given.key,
            before_date="".join(lines[:date]).encode("latin-1"),
            after_date="".join(after).encode("latin-1"),
            status=response.status,
            logged={key: environ[key] for key in LOGGED},
        )
        with self._lock:
            self._ready.pop(name, None)
            while len(self._ready) >= MOST_READY:
                del self._ready[next(iter(self._ready))]
            self._ready[name] = ready

    def __len__(self) -> int:
        return len(self._ready)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return http_date(second)
