"""What every request gets: an id to speak of it, and the preferences the client states."""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest

REQUEST_ID = "X-Request-Id"
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Of a body that is refused, so much is read and thrown away, so that its sender gets to hear why.
DRAINED_BYTES = 32 * 1024 * 1024
DRAINED_SECONDS = 5.0


def init_requests(app: Flask) -> None:
    """Give every response an id: the client's or proxy's own where it is sane, else a new one.

    What is not UTF-8 is refused: it would be compared as something else than was sent.
    """

    @app.before_request
    def name_it() -> None:
        g.request_id = request_id(request.environ)

    @app.before_request
    def read_only_utf8() -> None:
        if b"%" in request.query_string or not request.query_string.isascii():
            try:
                unquote_to_bytes(request.query_string).decode()
            except UnicodeDecodeError:
                raise BadRequest("What follows the ? of the address is not UTF-8.") from None

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.get("request_id", "")
        handling = preferred_handling()
        if handling:
            response.headers["Preference-Applied"] = f"handling={handling}"
        if request.method in CHANGING and response.status_code >= 400:
            drain_body()
        return response


def request_id(environ: WSGIEnvironment) -> str:
    """The id of a request: the client's or proxy's own where it is sane, else a new one."""
    given = environ.get("HTTP_X_REQUEST_ID")
    return given if given and SANE_ID.fullmatch(given) else new_id()


def new_id() -> str:
    """An id that no other request has."""
    return secrets.token_hex(8)


def preferred_handling() -> str | None:
    """`strict` or `lenient`, where the client states it (RFC 7240)."""
    return stated_handling(request.headers.get("Prefer", ""))


def stated_handling(prefer: str) -> str | None:
    """The same of a `Prefer` header."""
    for preference in prefer.split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "handling" and value.strip().strip('"') in ("strict", "lenient"):
            return value.strip().strip('"')
    return None


def drain_body() -> None:
    """Read what the client still sends, within bounds.

    A connection closed over unread bytes is reset, and the answer is lost before the client has read it.
    """
    stream = request.environ["wsgi.input"]
    left = min(request.content_length or 0, DRAINED_BYTES)
    until = time.monotonic() + DRAINED_SECONDS
    while left > 0 and time.monotonic() < until:
        read = len(stream.read(min(left, 64 * 1024)))
        if not read:
            break
        left -= read
