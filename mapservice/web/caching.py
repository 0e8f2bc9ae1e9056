"""Answers kept and revalidated by the database's own change counter.

Every tracked relation has a version that changes with its rows. An answer made from some versions stays right
for as long as they stand, so a kept answer is served, and a conditional request is answered, after asking the
database for nothing but versions: it is right across processes the moment a row changes, with no expiry time.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
from werkzeug.http import http_date, parse_date

from mapservice.database import Database, rows
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.visibility import ANONYMOUS
from mapservice.services import hsds
from mapservice.web.accepting import choices
from mapservice.web.compression import best_encoding
from mapservice.web.frame import DATABASE_AWAY
from mapservice.web.requests import REQUEST_ID, request_id, stated_handling
from mapservice.web.security import OPEN_TO_READ, VARY

if TYPE_CHECKING:
    from flask import Flask

VERSIONS = "mapservice.versions"
"""The key of the WSGI environment under which a view leaves {relation: version} of what it answered from."""
GIVEN = "mapservice.given"
"""The key of the WSGI environment under which the answer says which kept one it is: `Given`."""
LARGEST_KEPT = 4 * 1024 * 1024
MOST_KEPT = 20_000
ENTRY_BYTES = 1024
"""About what keeping an answer takes beside its texts: the objects they are in."""
VALIDATORS = ("etag", "last-modified", "cache-control")
CACHE_CONTROL = "public, max-age=0, must-revalidate"
# A date in a header has whole seconds: one younger than this could hide a second change.
SETTLED = timedelta(seconds=2)

KEPT_STATUS = ("200", "204")
SAYS_WHERE = re.compile(r"(?:^|&)(?:postcode|lon|lat)(?:[=&]|$)")
"""In a query string: where somebody lives or stands, which no cache is to hold, ours included."""
UNREADABLE = (*DATABASE_AWAY, psycopg.Error)
ALL_VERSIONS = """
    SELECT string_agg(relation || ' ' || version || ' ' || extract(epoch FROM changed_at), E'\\n')
    FROM layers.relations
"""

Headers = list[tuple[str, str]]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished answer and the versions it was made from."""

    status: str
    headers: Headers
    body: bytes
    etag: str
    versions: dict[str, int]

    def cost(self, key: Key) -> int:
        """About how many bytes it takes to keep this under a key."""
        texts = sum(map(len, key)) + sum(len(name) + len(value) for name, value in self.headers)
        return ENTRY_BYTES + texts + len(self.body)


@dataclass(frozen=True, slots=True)
class Change:
    """The version of a relation and when it came to be."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What an answer that depends on versions alone was made from: those, and what its body is kept under.

    An answer without a body has no such key. One that is not settled will soon say more of its date.
    """

    versions: dict[str, int]
    key: Key | None
    settled: bool


class KeptAnswers:
    """The least recently used answers go first when they are too many or take more than the budget."""

    def __init__(self, budget_bytes: int, most: int = MOST_KEPT) -> None:
        self.budget_bytes = budget_bytes
        self.most = most
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
        cost = kept.cost(key)
        if cost > min(LARGEST_KEPT, self.budget_bytes):
            return
        with self._lock:
            old = self._answers.pop(key, None)
            self._bytes += cost - (old.cost(key) if old else 0)
            self._answers[key] = kept
            while self._bytes > self.budget_bytes or len(self._answers) > self.most:
                first, gone = self._answers.popitem(last=False)
                self._bytes -= gone.cost(first)

    def __len__(self) -> int:
        return len(self._answers)

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
        self._seen_as: tuple[bytes, dict[str, Change]] = b"", {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from what is kept where it still holds; else let the application answer and keep that."""
        if _says_where(environ):
            return self._inner(environ, _not_to_be_stored(start_response))
        if not _may_be_kept(environ):
            return self._inner(environ, start_response)
        key = _key(environ)
        kept = self._kept.get(key)
        relations = tuple(kept.versions) if kept else self._relations(environ)
        if not relations:
            return self._inner(environ, start_response)
        shared_tag = not _is_one_feature(environ["PATH_INFO"])
        tagged = "HTTP_IF_NONE_MATCH" in environ and shared_tag
        if kept or tagged or not _reports_versions(environ["PATH_INFO"]):
            try:
                changes = self._read_changes()
            except UNREADABLE:
                # Nobody out here turns an error into words: the application meets the same one and does.
                return self._inner(environ, start_response)
            if not all(name in changes for name in relations):
                return self._inner(environ, start_response)
            concerned = [changes[name] for name in relations]
            now = {name: changes[name].version for name in relations}
            if kept and kept.versions == now:
                return _give(key, kept, environ, start_response, concerned)
            # With nothing kept, only a tag tells that the request was once answered, and not refused: it is
            # given out with such an answer alone. A date or `*` waits for what the application says.
            etag = self._etag(key, now)
            if tagged and etag in _tags(environ):
                environ[GIVEN] = Given(now, None, _last_modified(concerned) is not None)
                start_response("304 Not Modified", _unchanged(environ, etag, concerned))
                return [b""]
            environ[VERSIONS] = now
        return self._answer(environ, start_response, key)

    def kept(self, key: Key) -> Kept | None:
        """The answer kept under a key, whether or not it still holds."""
        return self._kept.get(key)

    def stand(self, versions: dict[str, int]) -> bool:
        """Whether the database says that these versions are those of this moment; not if it says nothing."""
        try:
            changes = self._read_changes()
        except UNREADABLE:
            return False
        return all(name in changes and changes[name].version == versions[name] for name in versions)

    @property
    def _database(self) -> Database:
        database: Database = self._app.extensions["database"]
        return database

    def _relations(self, environ: WSGIEnvironment) -> tuple[str, ...]:
        """The tracked relations a request depends on; none means it is not ours."""
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
        length = "0" if status[:3] == "204" else given.get("content-length", "")
        if (
            status[:3] not in KEPT_STATUS
            or not versions
            or not length.isdigit()
            or int(length) > LARGEST_KEPT
        ):
            start_response(status, headers, problem)
            return body
        etag = given.get("etag") or self._etag(key, versions)
        try:
            changes = self._changes_of(versions)
        except UNREADABLE:
            changes = []  # the answer is right without a date
        headers = [(name, value) for name, value in headers if name.lower() not in VALIDATORS]
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        if environ["REQUEST_METHOD"] == "GET":
            general = [(name, value) for name, value in headers if name != REQUEST_ID]
            self._kept.put(key, Kept(status, general, content, etag, versions))
        if _not_modified(environ, etag, changes):
            start_response("304 Not Modified", _unchanged(environ, etag, changes, given.get("vary", VARY)))
            return [b""]
        start_response(status, [*headers, *_validators(etag, changes)], problem)
        return [content]

    def _read_changes(self) -> dict[str, Change]:
        """The version of every tracked relation as it is now."""
        text = _read_text(self._database)
        known, seen = self._seen_as
        if text != known:
            seen = _parsed(text)
            self._seen_as = text, seen
        self._seen = seen
        return seen

    def _changes_of(self, versions: dict[str, int]) -> list[Change]:
        """When the versions came to be: asked of the database once for each version, not for each answer."""
        if any(name not in self._seen or self._seen[name].version < versions[name] for name in versions):
            self._read_changes()
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
    if len(parts) > 1 and parts[1] in ("collections", "tiles", "styles"):
        if not all(layer.tracked for layer in catalogue):
            return ()
        return tuple(sorted({layer.relation for layer in catalogue}))
    return ()


def read_changes(database: Database) -> dict[str, Change]:
    """The version of every tracked relation."""
    return _parsed(_read_text(database))


def _read_text(database: Database) -> bytes:
    """The same as text: mostly it is the one that was read before, and need not be taken apart again.

    This is what serving a kept answer costs, and nothing may take its place: only the database knows which
    version stands at this moment.
    """
    with database.connected() as connection:
        return rows.run(connection, ALL_VERSIONS, {}).get_value(0, 0) or b""


def _parsed(text: bytes) -> dict[str, Change]:
    found = (line.rsplit(" ", 2) for line in text.decode().splitlines())
    return {name: Change(int(version), _instant(at)) for name, version, at in found}


def _instant(seconds: str) -> datetime:
    # Not by way of a float, which knows no microseconds so far from 1970.
    whole, _, micros = seconds.partition(".")
    return datetime.fromtimestamp(int(whole), UTC) + timedelta(microseconds=int(micros.ljust(6, "0")[:6]))


def _reports_versions(path: str) -> bool:
    """Whether the view says itself, from its own statement, which version it answered from."""
    return path.endswith("/items") or _is_one_feature(path)


def _is_one_feature(path: str) -> bool:
    """One feature has an entity tag of its own, so that only its own changes stand against an edit."""
    return path.count("/") == len(["", "api", "collections", "x", "items", "y"]) - 1 and "/items/" in path


def _may_be_kept(environ: WSGIEnvironment) -> bool:
    """Whether a request reads what is published and says nothing of who asks."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return False
    if not environ["PATH_INFO"].startswith(("/api", "/openreferral/")):
        return False
    return "HTTP_AUTHORIZATION" not in environ and "HTTP_COOKIE" not in environ


def _says_where(environ: WSGIEnvironment) -> bool:
    query = environ.get("QUERY_STRING", "")
    if not query or not environ["PATH_INFO"].startswith(("/api/", "/openreferral/")):
        return False
    return SAYS_WHERE.search(unquote_plus(query) if "%" in query else query) is not None


def _not_to_be_stored(start_response: StartResponse) -> StartResponse:
    """The same, with no cache on the way allowed to keep what it begins, refusals included."""

    def begin(status: str, headers: Headers, problem: Any = None) -> Callable[[bytes], object]:
        others = [(name, value) for name, value in headers if name.lower() not in VALIDATORS]
        return start_response(status, [*others, ("Cache-Control", "no-store")], problem)

    return begin


def _key(environ: WSGIEnvironment) -> Key:
    """All of a request that its answer depends on: of its headers what is made of them."""
    return (
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        *choices(environ.get("HTTP_ACCEPT", "")),
        best_encoding(environ.get("HTTP_ACCEPT_ENCODING", "")) or "",
        stated_handling(environ.get("HTTP_PREFER", "")) or "",
        environ.get("HTTP_HOST", ""),
        environ["wsgi.url_scheme"],
        environ.get("SCRIPT_NAME", ""),
    )


def _give(
    key: Key, kept: Kept, environ: WSGIEnvironment, start_response: StartResponse, changes: list[Change]
) -> Iterable[bytes]:
    """Answer with what is kept, which holds."""
    settled = _last_modified(changes) is not None
    if _not_modified(environ, kept.etag, changes):
        environ[GIVEN] = Given(kept.versions, None, settled)
        vary = next((value for name, value in kept.headers if name.lower() == "vary"), VARY)
        start_response("304 Not Modified", _unchanged(environ, kept.etag, changes, vary))
        return [b""]
    own = (REQUEST_ID, request_id(environ))
    with_body = environ["REQUEST_METHOD"] != "HEAD"
    environ[GIVEN] = Given(kept.versions, key if with_body else None, settled)
    start_response(kept.status, [*kept.headers, *_validators(kept.etag, changes), own])
    return [kept.body if with_body else b""]


def _not_modified(environ: WSGIEnvironment, etag: str, changes: list[Change]) -> bool:
    """For what would be answered with success (RFC 9110): If-None-Match decides, else If-Modified-Since.

    A date counts only if it is the one we gave. That of a client's own clock may lie between two changes of
    one second, or between a change and the end of its transaction.
    """
    if "HTTP_IF_NONE_MATCH" in environ:
        tags = _tags(environ)
        return etag in tags or "*" in tags
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    return since is not None and since == _last_modified(changes)


def _tags(environ: WSGIEnvironment) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in environ.get("HTTP_IF_NONE_MATCH", "").split(",")]


def _last_modified(changes: list[Change]) -> datetime | None:
    """The second after the last change, so that what came earlier within it is older; None too soon."""
    if not changes:
        return None
    last = max(change.at for change in changes)
    if datetime.now(UTC) - last <= SETTLED:
        return None
    return last.replace(microsecond=0) + timedelta(seconds=1)


def _validators(etag: str, changes: list[Change]) -> Headers:
    headers = [("ETag", etag), ("Cache-Control", CACHE_CONTROL)]
    last = _last_modified(changes)
    return [*headers, ("Last-Modified", _http_date(last))] if last else headers


@lru_cache(maxsize=256)
def _http_date(instant: datetime) -> str:
    return http_date(instant)


def _unchanged(environ: WSGIEnvironment, etag: str, changes: list[Change], vary: str = VARY) -> Headers:
    """What an answer without a body says that the one with it would have said."""
    return [
        *_validators(etag, changes),
        ("Vary", vary),
        *OPEN_TO_READ.items(),
        (REQUEST_ID, request_id(environ)),
    ]


def _no_write(_: bytes) -> None:
    raise RuntimeError("the application does not use WSGI's write()")
