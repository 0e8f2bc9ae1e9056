"""OGC API – Features, Part 4: create, replace, update and delete, with optimistic locking."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed

from mapservice.layers.editing import (
    AlreadyThere,
    NoSuchFeature,
    NotEditable,
    Outdated,
    Written,
    create_feature,
    delete_feature,
    replace_feature,
    update_feature,
)
from mapservice.layers.features import read_feature
from mapservice.layers.layer import Layer
from mapservice.layers.query import CRS84, BadQuery, FeatureQuery, Mistake, parse_crs
from mapservice.layers.visibility import Viewer
from mapservice.web import context, identity
from mapservice.web.api import api
from mapservice.web.api.features import find_layer
from mapservice.web.api.geojson import must_be_found
from mapservice.web.api.parameters import Reader
from mapservice.web.problems import Problem

GEOJSON = ("application/geo+json", "application/json")
PATCH = ("application/merge-patch+json", *GEOJSON)
ENTITY_TAG = re.compile(r'"(\d{1,18})[^"]*"', re.ASCII)
T = TypeVar("T")


@api.post("/collections/<layer_id>/items")
def create(layer_id: str) -> Response:
    """Add a feature to a layer."""
    layer = _editable_layer(layer_id)
    account = identity.editing_account()
    feature, crs = _body(GEOJSON)
    written = _changing(
        account.actor, lambda session: create_feature(session, layer, feature, crs, account.sees)
    )
    response = Response(status=HTTPStatus.CREATED)
    response.headers["Location"] = f"{context.site()}/api/collections/{layer.id}/items/{written.id}"
    response.set_etag(str(written.version))
    return response


@api.put("/collections/<layer_id>/items/<feature_id>")
def replace(layer_id: str, feature_id: str) -> Response:
    """Put a feature in place of the one there."""
    return _change(layer_id, feature_id, replace_feature, GEOJSON)


@api.patch("/collections/<layer_id>/items/<feature_id>")
def update(layer_id: str, feature_id: str) -> Response:
    """Change some of a feature's properties, or its geometry."""
    return _change(layer_id, feature_id, update_feature, PATCH)


@api.delete("/collections/<layer_id>/items/<feature_id>")
def delete(layer_id: str, feature_id: str) -> Response:
    """Remove a feature."""
    layer = _editable_layer(layer_id)
    account = identity.editing_account()
    Reader(request.args, ()).finish()
    version = _version_held(layer, feature_id, account.sees)
    _changing(
        account.actor, lambda session: delete_feature(session, layer, feature_id, version, account.sees)
    )
    return Response(status=HTTPStatus.NO_CONTENT)


@api.after_app_request
def allow_what_is_possible(response: Response) -> Response:
    """A layer that cannot be edited does not say that it can."""
    parts = request.path.split("/")
    if "Allow" in response.headers and parts[1:3] == ["api", "collections"] and parts[4:5] == ["items"]:
        try:
            layer = context.catalogue().get(parts[3])
        except Problem:  # a token that does not hold: who sends one is told what the address can do at most
            return response
        if layer is None or layer.editable is None:
            response.headers["Allow"] = "GET, HEAD, OPTIONS"
        elif request.method == "OPTIONS":
            offered, types = ("Accept-Patch", PATCH) if parts[5:] else ("Accept-Post", GEOJSON)
            response.headers[offered] = ", ".join(types)
    return response


def _editable_layer(layer_id: str) -> Layer:
    layer = find_layer(layer_id)
    if layer.editable is None:
        raise MethodNotAllowed(["GET", "HEAD", "OPTIONS"], f"{layer.title} cannot be changed here.")
    return layer


def _change(
    layer_id: str,
    feature_id: str,
    change: Callable[[Session, Layer, str, dict[str, Any], str, int, Viewer], Written],
    types: tuple[str, ...],
) -> Response:
    layer = _editable_layer(layer_id)
    account = identity.editing_account()
    version = _version_held(layer, feature_id, account.sees)
    feature, crs = _body(types)
    written = _changing(
        account.actor, lambda session: change(session, layer, feature_id, feature, crs, version, account.sees)
    )
    response = Response(status=HTTPStatus.NO_CONTENT)
    response.set_etag(str(written.version))
    return response


def _changing(actor: str, change: Callable[[Session], T]) -> T:
    """Run a change in one transaction; what stands against it becomes a problem with its own status."""
    try:
        with context.database().session(actor, request.headers.get("X-Reason")) as session:
            return change(session)
    except NotEditable as error:
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{error}.") from None
    except NoSuchFeature as error:
        raise Problem(HTTPStatus.NOT_FOUND, f"{error}.") from None
    except AlreadyThere as error:
        raise Problem(HTTPStatus.CONFLICT, f"{error}.") from None
    except Outdated as error:
        raise Problem(HTTPStatus.PRECONDITION_FAILED, f"{error}.") from None
    except BadQuery as error:
        detail = "The feature cannot be taken as it is."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, error.mistakes) from None


def _version_held(layer: Layer, feature_id: str, viewer: Viewer) -> int:
    """The feature's version that the client changes, from If-Match; 428 where it is missing or `*`.

    `*` is whatever version there is: it would write over a change that the client has never seen. Of a
    feature that is not there it would have none to send: that is said first.
    """
    held = request.headers.get("If-Match", "").strip()
    if held in ("", "*"):
        with context.database().reading() as cursor:
            found = read_feature(cursor, layer, feature_id, FeatureQuery(), context.site(), viewer)
        must_be_found(found, layer, feature_id)
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "Send If-Match with the ETag of the feature as you fetched it, so that nobody's change is lost."
            + (" If-Match: * names no version, and is not taken here." if held else ""),
        )
    match = ENTITY_TAG.fullmatch(held)
    # A weak or foreign tag, or several, can never be the one that holds.
    return int(match[1]) if match else -1


def _body(types: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """The JSON object sent and its CRS; raises a problem naming what is wrong with either."""
    reader = Reader(request.args, ())
    if request.mimetype not in types:
        said = HTTPStatus.UNSUPPORTED_MEDIA_TYPE if request.mimetype else HTTPStatus.BAD_REQUEST
        raise Problem(said, f"Send {' or '.join(types)}, and say so in Content-Type.")
    crs = CRS84
    named = request.headers.get("Content-Crs")
    if named is not None:
        try:
            crs = parse_crs(named.strip().removeprefix("<").removesuffix(">"))
        except ValueError as error:
            reader.wrong("Content-Crs", str(error))
    reader.finish()
    try:
        feature = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise BadQuery([Mistake("body", f"is not JSON: {error}")]) from None
    if not isinstance(feature, dict):
        raise BadQuery([Mistake("body", "must be a GeoJSON feature")])
    return feature, crs
