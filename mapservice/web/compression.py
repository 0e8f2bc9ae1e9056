"""Compression of answers in transit."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import brotli
import zstandard
from flask import Flask, Response, request
from werkzeug.datastructures import Accept

SMALLEST_BYTES = 1024
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


def best_encoding(accepted: Accept) -> str | None:
    """The cheapest encoding that the client accepts, or None for none."""
    return next((name for name in ENCODERS if accepted[name] > 0), None)


def init_compression(app: Flask) -> None:
    """Compress what is worth it, for clients that accept it."""

    @app.after_request
    def compress(response: Response) -> Response:
        if response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
            return response
        if not (response.content_type or "").startswith(COMPRESSIBLE):
            return response
        response.vary.add("Accept-Encoding")
        body = response.get_data()
        encoding = best_encoding(request.accept_encodings) if len(body) >= SMALLEST_BYTES else None
        if encoding:
            response.set_data(ENCODERS[encoding](body))
            response.headers["Content-Encoding"] = encoding
        return response
