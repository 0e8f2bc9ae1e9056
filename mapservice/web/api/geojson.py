"""A page of features and a single one as GeoJSON: their bytes, links and headers.

Nothing here knows Flask's request, so that the views and `direct`, which does without Flask, give one answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus
from wsgiref.types import WSGIEnvironment

import orjson

from mapservice.layers.counting import Count
from mapservice.layers.features import Found, Page
from mapservice.layers.layer import Layer
from mapservice.layers.paging import encode_cursor
from mapservice.layers.query import CRS84, CRS_BY_URI, LATITUDE_FIRST, FeatureQuery
from mapservice.web.accepting import choices
from mapservice.web.api import documents
from mapservice.web.api.parameters import known_of_items
from mapservice.web.caching import fingerprint
from mapservice.web.compression import best_encoding
from mapservice.web.problems import Problem

Link = dict[str, Any]


def page_links(
    layer: Layer, query: FeatureQuery, page: Page, count: Count, given: Mapping[str, str], site: str
) -> list[Link]:
    """The links of a page that was asked for with the parameters `given`.

    Beyond the last feature there is no row to go back from: the page before is then the last there is.
    """
    home = f"{site}/api/collections/{layer.id}"
    words = {name: f"{_quoted(name)}={_quoted(value)}" for name, value in given.items()}
    here = f"{home}/items" + (f"?{'&'.join(words.values())}" if words else "")
    other = "&".join({**words, "f": "f=html"}.values())
    links = [
        documents.link(here, "self", documents.GEOJSON, "This page"),
        documents.link(f"{home}/items?{other}", "alternate", "text/html", "This page as a web page"),
        documents.link(home, "collection", documents.JSON, layer.title),
    ]
    # What was ignored on request is not carried on: whoever follows the link need not ask for that again.
    known = known_of_items(layer)
    rest = [word for name, word in words.items() if name in known and name not in ("offset", "cursor")]
    for rel, title, place in (("next", "Next page", page.next), ("prev", "Previous page", page.previous)):
        there = None if place is None else f"cursor={encode_cursor(layer, query.sort, place)}"
        if rel == "prev" and query.offset and not page.returned and count.exact:
            there = f"offset={max(0, count.exact - query.limit)}"
        if there is not None:
            there = "&".join([*rest, there])
            links.append(documents.link(f"{home}/items?{there}", rel, documents.GEOJSON, title))
    return links


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    return quote_plus(text)


def page_body(page: Page, count: Count, links: list[Link], crs: str) -> bytes:
    """The feature collection of a page."""
    matched = "" if count.exact is None else f'"numberMatched":{count.exact},'
    matched += "" if count.estimate is None else f'"estimatedNumberMatched":{count.estimate},'
    start = f'{{"type":"FeatureCollection",{_named(crs)}{matched}"numberReturned":{page.returned},"links":'
    return b'%b%b,"features":[\n%b\n]}' % (start.encode(), orjson.dumps(links), page.features)


def must_be_found(found: Found | None, layer: Layer, feature_id: str) -> Found:
    """The feature, or 404."""
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"{layer.title} has no feature {feature_id[:80]!r}.")
    return found


def item_links(layer: Layer, feature_id: str, site: str) -> list[Link]:
    """The links of one feature."""
    home = f"{site}/api/collections/{layer.id}"
    return [
        documents.link(f"{home}/items/{feature_id}", "self", documents.GEOJSON, "This feature"),
        documents.link(f"{home}/items/{feature_id}?f=html", "alternate", "text/html", "As a web page"),
        documents.link(home, "collection", documents.JSON, layer.title),
    ]


def item_body(found: Found, links: list[Link], crs: str) -> bytes:
    """One feature with its links."""
    return b'%b,%b"links":%b}' % (found.feature[:-1], _named(crs).encode(), orjson.dumps(links))


@lru_cache(maxsize=16)
def _named(crs: str) -> str:
    """The member `crs` of GeoJSON as it was in 2008, which GDAL and GeoPandas take at its word.

    RFC 7946 has longitude and latitude only, unless both sides agreed on another, as by the parameter crs.
    Who keeps the file and not its header would not know. Where latitude comes first readers of that member
    do not follow, so that there the header has to do.
    """
    if crs == CRS84 or crs in LATITUDE_FIRST:
        return ""
    name = f"urn:ogc:def:crs:EPSG::{CRS_BY_URI[crs]}"
    return f'"crs":{{"type":"name","properties":{{"name":"{name}"}}}},'


def item_tag(found: Found, site: str, environ: WSGIEnvironment) -> str | None:
    """The feature's entity tag: its version, for If-Match, and what tells its representations apart."""
    if found.version is None:
        return None
    looks = fingerprint(
        site,
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        *choices(environ.get("HTTP_ACCEPT", "")),
        best_encoding(environ.get("HTTP_ACCEPT_ENCODING", "")),
    )
    return f'"{found.version}-{looks}"'


def headers(crs: str, links: list[Link]) -> dict[str, str]:
    """What GeoJSON cannot say of itself: its CRS, and its links for those who do not look inside."""
    told = ", ".join(
        [
            f'<{x["href"]}>; rel="{x["rel"]}"; type="{x["type"]}"'
            for x in links
            if x["rel"] in ("next", "prev", "self")
        ]
    )
    return {"Content-Type": documents.GEOJSON, "Content-Crs": f"<{crs}>", "Link": told}
