"""OGC API – Features, Parts 1 and 2: landing page, conformance, collections, items."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, current_app, render_template, request

from mapservice.layers.features import read_feature
from mapservice.layers.layer import Layer
from mapservice.layers.query import FeatureQuery, suggest
from mapservice.web import context
from mapservice.web.api import api, documents, geojson, openapi
from mapservice.web.api.answers import answer, wanted_features_format, wanted_format
from mapservice.web.api.downloads import send_features
from mapservice.web.api.listing import Descriptions
from mapservice.web.api.parameters import (
    item_query,
    items_query,
    no_parameters_but,
)
from mapservice.web.caching import VERSIONS
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
    if wanted_format() == "html":
        members = _described(list(context.catalogue()))
        return answer(documents.collections(context.site(), members), "api/collections.html")
    descriptions: Descriptions = current_app.extensions["descriptions"]
    with context.database().reading() as cursor:
        text = descriptions.document(
            cursor, context.catalogue(), context.viewer(), context.site(), context.borough()
        )
    return Response(text, content_type=documents.JSON)


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
    links = geojson.page_links(layer, query, page, count, request.args.to_dict(), context.site())
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
    return _geojson(geojson.page_body(page, count, links, query.crs), query, links)


@api.get("/collections/<layer_id>/items/<feature_id>")
def item(layer_id: str, feature_id: str) -> Response:
    """One feature by its id."""
    layer = find_layer(layer_id)
    query = item_query(layer, request.args)
    with context.database().reading() as cursor:
        found = read_feature(cursor, layer, feature_id, query, context.site(), context.viewer())
    found = geojson.must_be_found(found, layer, feature_id)
    if found.relation_version is not None:
        request.environ[VERSIONS] = {layer.relation: found.relation_version}
    if wanted_format() == "html":
        shown = orjson.loads(found.feature)
        html = render_template("api/item.html", layer=layer, feature=shown, query=query)
        response = Response(html, content_type="text/html; charset=utf-8")
    else:
        links = geojson.item_links(layer, feature_id, context.site())
        response = _geojson(geojson.item_body(found, links, query.crs), query, links)
    tag = geojson.item_tag(found, context.site(), request.environ)
    if tag is not None:
        response.headers["ETag"] = tag
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
        extents = context.counts().read_extents(cursor, layers, context.viewer())
        row = cursor.execute("SELECT grid_max_error_m FROM register.borough").fetchone()
    error = row[0] if row else None
    return [
        documents.collection(context.site(), layer, extents[layer.id], error, context.borough())
        for layer in layers
    ]


def _geojson(body: bytes, query: FeatureQuery, links: list[geojson.Link]) -> Response:
    return Response(body, headers=geojson.headers(query.crs, links))
