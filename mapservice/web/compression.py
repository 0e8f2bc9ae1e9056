"""Compression of answers in transit."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import lru_cache

import brotli
import zstandard
from flask import Flask, Response, request
from werkzeug.http import parse_accept_header

SMALLEST_BYTES = 1024
STATIC = "/static/"
COMPRESSIBLE = (
    "text/",
    "image/svg+xml",
    "application/json",
    "application/atom+xml",
    "application/geo+json",
    "application/problem+json",
    "application/schema+json",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.oai.openapi+json",
)
# Low levels: on this kind of text the higher ones save little and cost more than the query itself.
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "br": lambda body: bytes(brotli.compress(body, quality=3)),
    "gzip": lambda body: gzip.compress(body, 1, mtime=0),
}


@lru_cache(maxsize=256)
def best_encoding(accepted: str) -> str | None:
    """The cheapest encoding that an `Accept-Encoding` header allows, or None for none."""
    found = parse_accept_header(accepted)
    return next((name for name in ENCODERS if found[name] > 0), None)


def compressed(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """A body as an `Accept-Encoding` header allows, and its encoding; as it is where that is not worth it."""
    encoding = best_encoding(accepted) if len(body) >= SMALLEST_BYTES else None
    return (ENCODERS[encoding](body), encoding) if encoding else (body, None)


def init_compression(app: Flask) -> None:
    """Compress what is worth it, for clients that accept it."""

    @app.after_request
    def compress(response: Response) -> Response:
        if response.status_code == 200 and request.path.startswith(STATIC):
            response.direct_passthrough = False  # a file, but a small one
            response.make_sequence()
        if response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
            return response
        if not (response.content_type or "").startswith(COMPRESSIBLE):
            return response
        response.vary.add("Accept-Encoding")
        body, encoding = compressed(response.get_data(), request.headers.get("Accept-Encoding", ""))
        if encoding:
            response.set_data(body)
            response.headers["Content-Encoding"] = encoding
        return response
