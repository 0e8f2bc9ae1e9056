"""Services of a feed, from a saved file or over the network: page by page, then each service whole.

What is fetched is named by an operator, yet a feed can redirect: only http and https are followed, only to
addresses of the public internet unless the operator says otherwise, and never more than so much for so long.
"""

from __future__ import annotations

import ipaddress
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

LARGEST_ANSWER = 50_000_000
LARGEST_IMPORT = 4 * LARGEST_ANSWER
CHUNK = 1 << 16
LONGEST_WAIT_S = 30
LONGEST_IMPORT_S = 3600
MOST_PAGES = 10_000
PER_PAGE = 100
# Addresses of IPv6 that stand for one of IPv4, which may be any: NAT64 and 6to4.
_GATEWAYS = [ipaddress.ip_network(prefix) for prefix in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")]
Progress = Callable[[int, int, str], None]
Record = dict[str, Any]


class Unreadable(Exception):
    """The feed cannot be read; the message says what is wrong."""


def read_services(where: str, progress: Progress, *, private: bool = False) -> list[Record]:
    """Every service of a file or of the feed at an address, as whole as the feed has it."""
    if urlsplit(where).scheme in ("http", "https"):
        return _Feed(where.rstrip("/"), private).services(progress)
    if "://" in where:
        raise Unreadable("only http and https addresses can be read")
    path = Path(where)
    try:
        if path.stat().st_size > LARGEST_IMPORT:
            raise Unreadable("the file is too large")
        return services_of(_parse(path.read_bytes(), path.name))
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror or error}") from error


def services_of(document: Any) -> list[Record]:
    """The services of a document: one, a list, or a page of a list."""
    if isinstance(document, dict):
        for key in ("contents", "content", "services"):
            if isinstance(document.get(key), list):
                document = document[key]
                break
        else:
            document = [document]
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
        raise Unreadable("holds no services: a service, a list of them or a page of a list is expected")
    return document


def _parse(raw: bytes, name: str) -> Any:
    try:
        return orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{name} is not JSON: {error}") from error


class _Feed:
    """One reading of a feed."""

    def __init__(self, address: str, private: bool) -> None:
        self._address = address
        self._opener = _opener(private)
        self._until = time.monotonic() + LONGEST_IMPORT_S
        self._left = LARGEST_IMPORT

    def services(self, progress: Progress) -> list[Record]:
        progress(0, 1, "what kind of feed it is")
        document = self._get(self._address)
        if isinstance(document, list) or {"id", "name", "status"} <= document.keys():
            return services_of(document)
        home = self._address
        if "contents" not in document and not home.endswith("/services"):
            home = f"{home}/services"
        listed = list(self._listed(home, progress))
        whole = []
        for number, each in enumerate(listed):
            progress(number, len(listed), "services")
            whole.append(self._get(f"{home}/{quote(str(each.get('id', '')), safe='')}"))
        progress(len(listed), len(listed), "services")
        return services_of(whole)

    def _listed(self, home: str, progress: Progress) -> Iterator[Record]:
        """All the feed lists, however it says which page is its last, and never less than it says."""
        pages, read, before = None, 0, None
        for number in range(1, MOST_PAGES + 1):
            progress(number - 1, max(pages or 1, number), "pages")
            page = self._get(f"{home}?{urlencode({'page': number, 'per_page': PER_PAGE})}")
            if not isinstance(page, dict):
                raise Unreadable(f"page {number} of {home} is no page object")
            found = services_of(page)
            if found == before:  # every page is the whole list: the feed knows no pages
                found = []
            yield from found
            before, read = found, read + len(found)
            pages, items = _count(page, "total_pages"), _count(page, "total_items")
            if page.get("last_page") is True or not found or number >= (pages or MOST_PAGES) or read == items:
                if items and read < items:
                    raise Unreadable(f"the feed says it has {items} services and lists {read}")
                return
        raise Unreadable(f"the feed has more than {MOST_PAGES} pages")

    def _get(self, address: str) -> Any:
        self._in_time()
        request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310
        try:
            with self._opener.open(request, timeout=LONGEST_WAIT_S) as answer:
                raw = self._read(answer, address)
        except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
            raise Unreadable(f"{address} cannot be read: {getattr(error, 'reason', error)}") from error
        return _parse(raw, address)

    def _read(self, answer: Any, address: str) -> bytes:
        """A piece at a time: who sends a byte now and then, or without end, is not waited for."""
        raw = bytearray()
        while piece := answer.read1(CHUNK):
            raw += piece
            self._left -= len(piece)
            self._in_time()
            if len(raw) > LARGEST_ANSWER:
                raise Unreadable(f"{address} answers with more than {LARGEST_ANSWER // 1_000_000} MB")
            if self._left < 0:
                raise Unreadable(f"the feed is larger than {LARGEST_IMPORT // 1_000_000} MB")
        return bytes(raw)

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise Unreadable(f"the feed took longer than {LONGEST_IMPORT_S // 60} minutes")


def _count(page: Record, key: str) -> int | None:
    """How many there are, where a page says so."""
    given = page.get(key)
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else None


def _is_public(address: str) -> bool:
    """Whether an address leads to one machine of the public internet, and nowhere by way of a gateway."""
    known = ipaddress.ip_address(address)
    return known.is_global and not known.is_multicast and not any(known in network for network in _GATEWAYS)


def _opener(private: bool) -> urllib.request.OpenerDirector:
    """Opens http and https and nothing else; each address is looked at before it is connected to."""

    def connect(address: tuple[str, int], timeout: float | None = None, source: Any = None) -> socket.socket:
        host, port = address
        problem: OSError | None = None
        for *_, target in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if not private and not _is_public(str(target[0])):
                raise OSError(f"{host} is not an address of the public internet")
            try:
                return socket.create_connection((str(target[0]), port), timeout, source)
            except OSError as error:
                problem = error
        raise problem or OSError(f"{host} has no address")

    def checked(kind: type[HTTPConnection]) -> Callable[..., HTTPConnection]:
        def make(host: str, **more: Any) -> HTTPConnection:
            connection = kind(host, **more)
            connection._create_connection = connect  # type: ignore[attr-defined]
            return connection

        return make

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(checked(HTTPConnection), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(checked(HTTPSConnection), req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        Http(),
        Https(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
