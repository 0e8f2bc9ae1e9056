"""Pages of features and single features as GeoJSON, vector tiles and the list of layers, without Flask.

Flask's routing, request and response take longer than the statement for a page. What most clients ask most of
the time is answered here from the WSGI environment, by the same functions as in the views. Whatever is not
entirely plain goes to the application. So does every mistake and failure, to be raised again there: one place
puts errors into words. A test compares both ways.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote_to_bytes
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import request
from werkzeug.datastructures import MultiDict

from mapservice.database import Database
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.counting import Counts
from mapservice.layers.features import read_feature
from mapservice.layers.layer import Layer
from mapservice.layers.query import BadQuery, FeatureQuery
from mapservice.layers.tiles import TILE_MATRIX_SET, read_tile
from mapservice.layers.visibility import ANONYMOUS
from mapservice.web import context
from mapservice.web.accepting import DOCUMENTS, chosen
from mapservice.web.api import documents, geojson
from mapservice.web.api.answers import preferred_format
from mapservice.web.api.listing import Descriptions
from mapservice.web.api.parameters import ITEM_PARAMETERS, item_query, items_query, known_of_items
from mapservice.web.api.tile_documents import MVT
from mapservice.web.api.tile_parameters import Place, read_place, tiles_query
from mapservice.web.caching import VERSIONS
from mapservice.web.compression import compressed
from mapservice.web.requests import REQUEST_ID, request_id
from mapservice.web.security import OPEN_TO_READ, VARY
from mapservice.web.watching import SOCKET, Watcher

if TYPE_CHECKING:
    from flask import Flask

Kind = Literal["page", "item", "tile"]

RAISED = "mapservice.raised"
"""The key of the WSGI environment under which the application finds what it is to raise."""
MOST_SITES = 64
LIST = "/api/collections"
ITEM_KNOWN = frozenset(ITEM_PARAMETERS)
READERS: dict[Kind, Callable[[Layer, MultiDict[str, str]], FeatureQuery]] = {
    "page": items_query,
    "item": item_query,
    "tile": tiles_query,
}
LONGEST_KEPT = 1000
"""A query string so long seldom comes twice."""

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a layer, and in which words."""

    layer: Layer
    query: FeatureQuery
    given: dict[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """An answer as the statement gave it: its headers are those that tell it apart from others."""

    body: bytes
    headers: Headers
    versions: dict[str, int] = field(default_factory=dict)


Make = Callable[[str], Made]
"""Makes an answer, given the address of the service."""


class DirectAnswers:
    """WSGI middleware right before the application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._inner = app.wsgi_app
        self._sites: dict[tuple[str | None, ...], str] = {}
        self._always: Headers = {**app.extensions["security_headers"], **OPEN_TO_READ}

        @app.before_request
        def raise_again() -> None:
            error = request.environ.pop(RAISED, None)
            if error is not None:
                raise error

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what is plain; leave the rest to the application."""
        answer = None
        if self._is_plain(environ):
            try:
                make = self._understood(environ)
                answer = self._answer(environ, make) if make else None
            except BadQuery:
                pass  # the application tells it, with what the format asked for adds to it
            except Exception as error:
                environ[RAISED] = error
        if answer is None:
            return self._inner(environ, start_response)
        status, body, headers = answer
        start_response(status, list(headers.items()))
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    @property
    def _database(self) -> Database:
        database: Database = self._app.extensions["database"]
        return database

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """Whether there may be something to answer here: reading, by nobody in particular."""
        path = environ["PATH_INFO"]
        ours = path == LIST or (path.startswith(f"{LIST}/") and path.isascii())
        if not ours or environ.get("SCRIPT_NAME"):
            return False
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return False
        if "HTTP_AUTHORIZATION" in environ or "HTTP_PREFER" in environ:
            return False
        return self._app.config["SESSION_COOKIE_NAME"] not in environ.get("HTTP_COOKIE", "")

    def _understood(self, environ: WSGIEnvironment) -> Make | None:
        """How to make what a plain request asks; None where that is not for here. Raises as a view would."""
        if environ["PATH_INFO"] == LIST:
            return self._list if _wants_plain_json(environ) else None
        parts = environ["PATH_INFO"].split("/")
        kind = _kind(parts)
        catalogue: Catalogue = self._app.extensions["catalogue"]
        layer = catalogue.visible_to(ANONYMOUS).get(parts[3])
        text = environ.get("QUERY_STRING", "")
        if kind is None or layer is None:
            return None
        read = _read if len(text) < LONGEST_KEPT else _read.__wrapped__
        understood = read(layer, kind, text)
        if understood is None:
            return None
        asked = Asked(layer, *understood)
        if kind == "tile":
            z, y, x = parts[6:]
            return partial(self._tile, asked, read_place(z, x, y))
        if preferred_format(asked.given.get("f"), environ.get("HTTP_ACCEPT", "")) != "json":
            return None
        return partial(self._item, environ, asked, parts[5]) if kind == "item" else partial(self._page, asked)

    def _answer(self, environ: WSGIEnvironment, make: Make) -> tuple[str, bytes, Headers]:
        client = environ.get(SOCKET)
        if client is None:
            return self._made(environ, make)
        watcher: Watcher = self._app.extensions["watcher"]
        watcher.add(client, partial(self._database.cancel_reading, threading.get_ident()))
        try:
            return self._made(environ, make)
        finally:
            watcher.remove()

    def _made(self, environ: WSGIEnvironment, make: Make) -> tuple[str, bytes, Headers]:
        made = make(self._site(environ))
        if made.versions:
            environ[VERSIONS] = made.versions
        headers = made.headers
        body, encoding = compressed(made.body, environ.get("HTTP_ACCEPT_ENCODING", ""))
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        if body:
            headers["Content-Length"] = str(len(body))
        headers["Vary"] = VARY
        headers[REQUEST_ID] = request_id(environ)
        return "200 OK" if body else "204 NO CONTENT", body, {**headers, **self._always}

    def _page(self, asked: Asked, site: str) -> Made:
        layer, query = asked.layer, asked.query
        counts: Counts = self._app.extensions["counts"]
        with self._database.reading() as cursor:
            page, count = counts.read_page(cursor, layer, query, site, ANONYMOUS)
        links = geojson.page_links(layer, query, page, count, asked.given, site)
        body = geojson.page_body(page, count, links, query.crs)
        return Made(body, geojson.headers(query.crs, links), _versions(layer, page.version))

    def _item(self, environ: WSGIEnvironment, asked: Asked, feature_id: str, site: str) -> Made:
        layer, query = asked.layer, asked.query
        with self._database.reading() as cursor:
            read = read_feature(cursor, layer, feature_id, query, site, ANONYMOUS)
        found = geojson.must_be_found(read, layer, feature_id)
        links = geojson.item_links(layer, feature_id, site)
        headers = geojson.headers(query.crs, links)
        tag = geojson.item_tag(found, site, environ)
        if tag is not None:
            headers["ETag"] = tag
        return Made(
            geojson.item_body(found, links, query.crs), headers, _versions(layer, found.relation_version)
        )

    def _tile(self, asked: Asked, place: Place, _: str) -> Made:
        with self._database.reading() as cursor:
            tile = read_tile(cursor, asked.layer, *place, asked.query, ANONYMOUS)
        return Made(tile, {"Content-Type": MVT})

    def _list(self, site: str) -> Made:
        extensions = self._app.extensions
        descriptions: Descriptions = extensions["descriptions"]
        layers = extensions["catalogue"].visible_to(ANONYMOUS)
        with self._database.reading() as cursor:
            text = descriptions.document(cursor, layers, ANONYMOUS, site, extensions["borough"])
        return Made(text, {"Content-Type": documents.JSON})

    def _site(self, environ: WSGIEnvironment) -> str:
        """The address of the service as it was called, as Flask works it out: asked once for each address.

        Raises, as Flask does, where it was called by an address that is not its own.
        """
        key = (
            environ.get("HTTP_HOST"),
            environ["SERVER_NAME"],
            environ["SERVER_PORT"],
            environ["wsgi.url_scheme"],
        )
        known = self._sites.get(key)
        if known is None:
            with self._app.request_context(environ):
                known = context.site()
            if len(self._sites) >= MOST_SITES:
                self._sites.clear()
            self._sites[key] = known
        return known


def _versions(layer: Layer, version: int | None) -> dict[str, int]:
    """What an answer from one layer was made from, where that is counted."""
    return {} if version is None else {layer.relation: version}


def _wants_plain_json(environ: WSGIEnvironment) -> bool:
    """Whether a document is asked for as JSON, with nothing else said."""
    text = environ.get("QUERY_STRING", "")
    if text:
        return bool(text == "f=json")
    return chosen(environ.get("HTTP_ACCEPT", ""), DOCUMENTS) != "text/html"


def _kind(parts: list[str]) -> Kind | None:
    """What a path below /api/collections is of: its parts begin with an empty one."""
    match parts[4:]:
        case ["items"]:
            return "page"
        case ["items", feature_id] if feature_id:
            return "item"
        case ["tiles", tile_matrix_set, _, _, _] if tile_matrix_set == TILE_MATRIX_SET:
            return "tile"
    return None


@lru_cache(maxsize=1024)
def _read(layer: Layer, kind: Kind, text: str) -> tuple[FeatureQuery, dict[str, str]] | None:
    """The query that a query string asks of a page, a feature or a tile, and its parameters.

    None where Flask has something to say of it, or what it means depends on more than its words.
    """
    if not text.isascii():
        return None
    if "%" in text:
        try:
            unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            return None
    arguments = MultiDict(parse_qsl(text, keep_blank_values=True))
    known = ITEM_KNOWN if kind == "item" else known_of_items(layer)
    if not arguments.keys() <= known or "as_of" in arguments:
        return None
    return READERS[kind](layer, arguments), arguments.to_dict()
