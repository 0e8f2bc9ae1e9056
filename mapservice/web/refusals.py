"""What the server refuses before the application sees it, as problem details like every other refusal."""

from __future__ import annotations

import socket
from http import HTTPStatus

import orjson
from gunicorn import util

# gunicorn says how long the line was, or quotes it; people are better served with what to do.
WORDS = {
    HTTPStatus.BAD_REQUEST: "This is not a well-formed HTTP request.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is too long; 8190 characters are the most.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers of the request are too long.",
}


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer on a bare connection; the signature is that of `gunicorn.util.write_error`."""
    said = {"type": "about:blank", "title": reason, "status": status, "detail": WORDS.get(HTTPStatus(status))}
    body = orjson.dumps({name: value for name, value in said.items() if value is not None})
    headers = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    util.write_nonblock(client, f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("ascii") + body)


def init_refusals() -> None:
    """Have gunicorn's workers answer so; there is no setting for it, so its own function is replaced."""
    util.write_error = write_problem
