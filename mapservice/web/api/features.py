"""OGC API – Features, Parts 1 and 2: landing page, conformance, collections, items."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, render_template, request

from mapservice.layers.features import Found, Page, read_extents, read_feature
from mapservice.layers.layer import Layer
from mapservice.layers.paging import encode_cursor
from mapservice.layers.query import FeatureQuery, suggest
from mapservice.web import context
from mapservice.web.api import api, documents, openapi
from mapservice.web.api.answers import answer, wanted_features_format, wanted_format
from mapservice.web.api.downloads import send_features
from mapservice.web.api.parameters import (
    ITEMS_PARAMETERS,
    item_query,
    items_query,
    no_parameters_but,
)
from mapservice.web.caching import VERSIONS, fingerprint
from mapservice.web.problems import Problem


@api.get("", strict_slashes=False)
def landing() -> Response:
    """The landing page."""
    no_parameters_but(request.args, ("f",))
    return answer(documents.landing(context.site(), context.borough()), "api/landing.html")


@api.get("/conformance")
def conformance() -> Response:
    """The conformance classes."""
    no_parameters_but(request.args, ("f",))
    return answer(documents.conformance(), "api/conformance.html")


@api.get("/openapi.json")
def openapi_document() -> Response:
    """The API described in OpenAPI 3.0."""
    no_parameters_but(request.args, ("f",))
    document = openapi.document(context.site(), context.catalogue(), context.borough())
    return Response(orjson.dumps(document), content_type=documents.OPENAPI)


@api.get("/collections")
def collections() -> Response:
    """All layers."""
    no_parameters_but(request.args, ("f",))
    members = _described(list(context.catalogue()))
    return answer(documents.collections(context.site(), members), "api/collections.html")


@api.get("/collections/<layer_id>")
def collection(layer_id: str) -> Response:
    """One layer."""
    layer = find_layer(layer_id)
    no_parameters_but(request.args, ("f",))
    return answer(_described([layer])[0], "api/collection.html")


@api.get("/collections/<layer_id>/items")
def items(layer_id: str) -> Response:
    """A page of a layer's features."""
    layer = find_layer(layer_id)
    wanted = wanted_features_format()
    query = items_query(layer, request.args, None if wanted == "html" else wanted)
    if wanted != "html" and wanted.id != "json":
        return send_features(layer, query, wanted)
    with context.database().reading() as cursor:
        page, count = context.counts().read_page(cursor, layer, query, context.site(), context.viewer())
    if page.version is not None:
        request.environ[VERSIONS] = {layer.relation: page.version}
    links = _page_links(layer, query, page)
    if wanted == "html":
        features = orjson.loads(b"[%b]" % page.features)
        html = render_template(
            "api/items.html",
            layer=layer,
            features=features,
            page=page,
            count=count,
            links={x["rel"]: x for x in links},
        )
        return Response(html, content_type="text/html; charset=utf-8")
    matched = "" if count.exact is None else f'"numberMatched":{count.exact},'
    matched += "" if count.estimate is None else f'"estimatedNumberMatched":{count.estimate},'
    start = f'{{"type":"FeatureCollection",{matched}"numberReturned":{page.returned},"links":'
    body = b'%b%b,"features":[\n%b\n]}' % (start.encode(), orjson.dumps(links), page.features)
    return _geojson(body, query.crs, links)


@api.get("/collections/<layer_id>/items/<feature_id>")
def item(layer_id: str, feature_id: str) -> Response:
    """One feature by its id."""
    layer = find_layer(layer_id)
    query = item_query(layer, request.args)
    with context.database().reading() as cursor:
        found = read_feature(cursor, layer, feature_id, query, context.site(), context.viewer())
    if found is None:
        raise Problem(404, f"{layer.title} has no feature {feature_id[:80]!r}.")
    if found.relation_version is not None:
        request.environ[VERSIONS] = {layer.relation: found.relation_version}
    home = f"{context.site()}/api/collections/{layer.id}"
    links = [
        documents.link(f"{home}/items/{feature_id}", "self", documents.GEOJSON, "This feature"),
        documents.link(f"{home}/items/{feature_id}?f=html", "alternate", "text/html", "As a web page"),
        documents.link(home, "collection", documents.JSON, layer.title),
    ]
    if wanted_format() == "html":
        html = render_template("api/item.html", layer=layer, feature=orjson.loads(found.feature), query=query)
        return _tagged(Response(html, content_type="text/html; charset=utf-8"), found)
    body = b'%b,"links":%b}' % (found.feature[:-1], orjson.dumps(links))
    return _tagged(_geojson(body, query.crs, links), found)


def _tagged(response: Response, found: Found) -> Response:
    """The feature's entity tag: its version, for If-Match, and what tells its representations apart."""
    if found.version is not None:
        looks = fingerprint(
            request.url, request.headers.get("Accept"), request.headers.get("Accept-Encoding")
        )
        response.set_etag(f"{found.version}-{looks}")
    return response


def find_layer(layer_id: str) -> Layer:
    """The layer, or a 404 that names the nearest one there is."""
    layer = context.catalogue().get(layer_id)
    if layer is None:
        near = suggest(layer_id, (known.id for known in context.catalogue()))
        raise Problem(404, f"There is no layer {layer_id[:80]!r}" + (f"; {near}" if near else "."))
    return layer


def _described(layers: list[Layer]) -> list[dict[str, Any]]:
    with context.database().reading() as cursor:
        extents = read_extents(cursor, layers, context.viewer())
        row = cursor.execute("SELECT grid_max_error_m FROM register.borough").fetchone()
    error = row[0] if row else None
    return [
        documents.collection(context.site(), layer, extents[layer.id], error, context.borough())
        for layer in layers
    ]


def _page_links(layer: Layer, query: FeatureQuery, page: Page) -> list[dict[str, Any]]:
    home = f"{context.site()}/api/collections/{layer.id}"
    given = request.args.to_dict()
    here = f"{home}/items" + (f"?{urlencode(given)}" if given else "")
    other = urlencode({**given, "f": "html"})
    links = [
        documents.link(here, "self", documents.GEOJSON, "This page"),
        documents.link(f"{home}/items?{other}", "alternate", "text/html", "This page as a web page"),
        documents.link(home, "collection", documents.JSON, layer.title),
    ]
    # What was ignored on request is not carried on: whoever follows the link need not ask for that again.
    known = {*ITEMS_PARAMETERS, *(prop.name for prop in layer.properties)} - {"offset", "cursor"}
    rest = {name: value for name, value in given.items() if name in known}
    for rel, title, place in (("next", "Next page", page.next), ("prev", "Previous page", page.previous)):
        if place is not None:
            there = urlencode({**rest, "cursor": encode_cursor(layer, query.sort, place)})
            links.append(documents.link(f"{home}/items?{there}", rel, documents.GEOJSON, title))
    return links


def _geojson(body: bytes, crs: str, links: list[dict[str, Any]]) -> Response:
    response = Response(body, content_type=documents.GEOJSON)
    response.headers["Content-Crs"] = f"<{crs}>"
    response.headers["Link"] = ", ".join(
        f'<{x["href"]}>; rel="{x["rel"]}"; type="{x["type"]}"'
        for x in links
        if x["rel"] in ("next", "prev", "self")
    )
    return response
