"""Answers kept and revalidated by the database's own change counter.

Every tracked relation has a version that changes with its rows. An answer made from some versions stays right
for as long as they stand, so a kept answer is served, and a conditional request is answered, after asking the
database for nothing but versions: it is right across processes the moment a row changes, with no expiry time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.http import http_date, parse_date

from mapservice.database import Database
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.visibility import ANONYMOUS
from mapservice.services import hsds
from mapservice.web.frame import DATABASE_AWAY

if TYPE_CHECKING:
    from flask import Flask

VERSIONS = "mapservice.versions"
"""The key of the WSGI environment under which a view leaves {relation: version} of what it answered from."""
LARGEST_KEPT = 4 * 1024 * 1024
VALIDATORS = ("etag", "last-modified", "cache-control")
CACHE_CONTROL = "public, max-age=0, must-revalidate"
# A date in a header has whole seconds: one younger than this could hide a second change.
SETTLED = timedelta(seconds=2)

Headers = list[tuple[str, str]]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished answer and the versions it was made from."""

    headers: Headers
    body: bytes
    etag: str
    versions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """The version of a relation and when it came to be."""

    version: int
    at: datetime


class KeptAnswers:
    """The least recently used answers go first when their bytes exceed the budget."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._answers: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Kept | None:
        """The answer kept for a request, if any."""
        with self._lock:
            kept = self._answers.get(key)
            if kept is not None:
                self._answers.move_to_end(key)
            return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Keep an answer, in place of an older one for the same request."""
        if len(kept.body) > min(LARGEST_KEPT, self.budget_bytes):
            return
        with self._lock:
            old = self._answers.pop(key, None)
            self._bytes += len(kept.body) - (len(old.body) if old else 0)
            self._answers[key] = kept
            while self._bytes > self.budget_bytes:
                self._bytes -= len(self._answers.popitem(last=False)[1].body)

    @property
    def size_bytes(self) -> int:
        return self._bytes


def fingerprint(*parts: object) -> str:
    """A short text that differs whenever one of the parts does."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=9).hexdigest()


class CachedAnswers:
    """WSGI middleware before the application: serves kept answers and conditional requests of the API."""

    def __init__(self, app: Flask, budget_bytes: int, edition: str) -> None:
        self._inner = app.wsgi_app
        self._app = app
        self._kept = KeptAnswers(budget_bytes)
        self._edition = edition
        self._seen: dict[str, Change] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from what is kept where it still holds; else let the application answer and keep that."""
        relations = self._relations(environ)
        if not relations:
            return self._inner(environ, start_response)
        key = _key(environ)
        kept = self._kept.get(key)
        shared_tag = not _is_one_feature(environ["PATH_INFO"])
        conditional = "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MODIFIED_SINCE" in environ
        if kept or (conditional and shared_tag) or not _reports_versions(environ["PATH_INFO"]):
            try:
                self._seen = changes = read_changes(self._database)
            except DATABASE_AWAY:
                # Nobody out here turns an error into words: the application meets the same one and does.
                return self._inner(environ, start_response)
            if not all(name in changes for name in relations):
                return self._inner(environ, start_response)
            concerned = [changes[name] for name in relations]
            now = {name: changes[name].version for name in relations}
            current = kept if kept and kept.versions == now else None
            etag = current.etag if current else self._etag(key, now) if shared_tag else None
            if etag and conditional and _not_modified(environ, etag, concerned):
                start_response("304 Not Modified", _validators(etag, concerned))
                return [b""]
            if current:
                start_response("200 OK", [*current.headers, *_validators(current.etag, concerned)])
                return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [current.body]
            environ[VERSIONS] = now
        return self._answer(environ, start_response, key)

    @property
    def _database(self) -> Database:
        database: Database = self._app.extensions["database"]
        return database

    def _relations(self, environ: WSGIEnvironment) -> tuple[str, ...]:
        """The tracked relations an anonymous reading request depends on; none means it is not ours."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not environ["PATH_INFO"].startswith(
            ("/api", "/openreferral/")
        ):
            return ()
        if "HTTP_AUTHORIZATION" in environ or "HTTP_COOKIE" in environ:
            return ()
        catalogue: Catalogue = self._app.extensions["catalogue"]
        return relations_of(catalogue.visible_to(ANONYMOUS), environ["PATH_INFO"])

    def _etag(self, key: Key, versions: dict[str, int]) -> str:
        return f'"{fingerprint(self._edition, key, sorted(versions.items()))}"'

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse, key: Key) -> Iterable[bytes]:
        started: list[Any] = []

        def hold(status: str, headers: Headers, problem: Any = None) -> Callable[[bytes], object]:
            started[:] = [status, headers, problem]
            return _no_write

        body = self._inner(environ, hold)
        status, headers, problem = started
        given = {name.lower(): value for name, value in headers}
        versions = environ.get(VERSIONS)
        length = given.get("content-length", "")
        if status[:3] != "200" or not versions or not length.isdigit() or int(length) > LARGEST_KEPT:
            start_response(status, headers, problem)
            return body
        etag = given.get("etag") or self._etag(key, versions)
        validators = _validators(etag, self._changes_of(versions))
        headers = [(name, value) for name, value in headers if name.lower() not in VALIDATORS]
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        if environ["REQUEST_METHOD"] == "GET":
            self._kept.put(key, Kept(headers, content, etag, versions))
        if _matches(environ.get("HTTP_IF_NONE_MATCH"), etag):
            start_response("304 Not Modified", validators)
            return [b""]
        start_response(status, [*headers, *validators], problem)
        return [content]

    def _changes_of(self, versions: dict[str, int]) -> list[Change]:
        """When the versions came to be: asked of the database once for each version, not for each answer."""
        if any(name not in self._seen or self._seen[name].version < versions[name] for name in versions):
            self._seen = read_changes(self._database)
        found = [self._seen[name] for name in versions if name in self._seen]
        return found if [change.version for change in found] == [*versions.values()] else []


def relations_of(catalogue: Catalogue, path: str) -> tuple[str, ...]:
    """The tracked relations an API path is answered from; empty where the counter cannot vouch for it."""
    parts = path.strip("/").split("/")
    if parts[0] == "openreferral":
        return hsds.RELATIONS if len(parts) > 2 and parts[2] in hsds.KINDS else ()
    if len(parts) > 2 and parts[1] == "collections":
        layer = catalogue.get(parts[2])
        return (layer.relation,) if layer is not None and layer.tracked else ()
    if len(parts) > 1 and parts[1] in ("collections", "tiles"):
        if not all(layer.tracked for layer in catalogue):
            return ()
        return tuple(sorted({layer.relation for layer in catalogue}))
    return ()


def read_changes(database: Database) -> dict[str, Change]:
    """The version of every tracked relation."""
    with database.reading() as cursor:
        rows = cursor.execute("SELECT relation, version, changed_at FROM layers.relations", prepare=True)
        return {relation: Change(version, at) for relation, version, at in rows}


def _reports_versions(path: str) -> bool:
    """Whether the view says itself, from its own statement, which version it answered from."""
    return path.endswith("/items") or _is_one_feature(path)


def _is_one_feature(path: str) -> bool:
    """One feature has an entity tag of its own, so that only its own changes stand against an edit."""
    return path.count("/") == len(["", "api", "collections", "x", "items", "y"]) - 1 and "/items/" in path


def _key(environ: WSGIEnvironment) -> Key:
    """All of a request that its answer depends on."""
    return (
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT", ""),
        environ.get("HTTP_ACCEPT_ENCODING", ""),
        environ.get("HTTP_PREFER", ""),
        environ.get("HTTP_HOST", ""),
        environ["wsgi.url_scheme"],
        environ.get("SCRIPT_NAME", ""),
    )


def _not_modified(environ: WSGIEnvironment, etag: str, changes: list[Change]) -> bool:
    """RFC 9110: If-None-Match decides where it is given; else If-Modified-Since."""
    held = environ.get("HTTP_IF_NONE_MATCH")
    if held is not None:
        return _matches(held, etag)
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    if since is None:
        return False
    return since >= max(change.at for change in changes).replace(microsecond=0)


def _matches(held: str | None, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in (held or "").split(",")]
    return etag in tags or "*" in tags


def _validators(etag: str, changes: list[Change]) -> Headers:
    headers = [("ETag", etag), ("Cache-Control", CACHE_CONTROL)]
    if changes:
        last = max(change.at for change in changes)
        if datetime.now(UTC) - last > SETTLED:
            headers.append(("Last-Modified", http_date(last)))
    return headers


def _no_write(_: bytes) -> None:
    raise RuntimeError("the application does not use WSGI's write()")
