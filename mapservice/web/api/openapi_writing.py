"""The operations that change features, for the OpenAPI document: those of layers that can be edited."""

from __future__ import annotations

from typing import Any

from mapservice.layers.layer import Layer
from mapservice.web.api.schemas import reference

Document = dict[str, Any]

SECURITY_SCHEMES: Document = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of an account that may edit."}
}
_PROBLEM = {"application/problem+json": {"schema": reference("Problem")}}
_SAID = {
    "400": "The request cannot be read; everything wrong is listed.",
    "401": "A token is needed, or the one given does not hold.",
    "403": "The account may not change features.",
    "404": "There is no such thing.",
    "409": "There is such a feature already.",
    "412": "The feature has changed since it was fetched.",
    "413": "The body is too large.",
    "414": "The address is too long.",
    "415": "The media type is not understood.",
    "422": "The feature cannot be taken as it is; everything wrong is listed.",
    "428": "If-Match is missing, or is `*`: send the ETag of the feature as it was fetched.",
    "503": "There is too much to do just now.",
}
_ETAG = {"ETag": {"description": "The feature's version.", "schema": {"type": "string"}}}
_CONTENT_CRS = {
    "name": "Content-Crs",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The CRS of the coordinates sent, where it is not CRS84.",
}
# Not required in the schema's sense: without it the answer is 428, which says what to do.
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the feature as it was fetched. `*` is not taken: it names no version.",
}
_LOCKED = (
    " Fetch the feature first and send its `ETag` as `If-Match`: if it was changed since, the answer is 412"
    " and nothing is done; without `If-Match` it is 428."
)
_ABOUT = {
    "create": "Adds a GeoJSON feature. Its id is the `id` sent or made from its name;"
    " `Location` says where it is.",
    "replace": "Puts a whole feature in place of the one there: a property left out is emptied, or takes its"
    " default. What the service works out itself (ward, locality, page) may be sent back and is passed over."
    + _LOCKED,
    "update": "Changes what is sent, as a JSON merge patch: a property left out stays, `null` empties it;"
    " `geometry`, where sent, is replaced whole." + _LOCKED,
    "delete": "Removes the feature from the layer; its history stays." + _LOCKED,
}


def creating(layer: Layer) -> Document:
    """What is done to the items of a layer: `post`; nothing where the layer cannot be edited."""
    if layer.editable is None:
        return {}
    where = {"Location": {"description": "The feature's address.", "schema": {"type": "string"}}}
    done = {"201": {"description": "It was created.", "headers": {**where, **_ETAG}}}
    return {
        "post": _operation(layer, "create", "create a feature", done, ("404", "409"), [], _BODY, _CONTENT_CRS)
    }


def changing(layer: Layer, parameters: list[Document]) -> Document:
    """What is done to one feature: `put`, `patch` and `delete`; nothing where the layer cannot be edited."""
    if layer.editable is None:
        return {}
    done = {"204": {"description": "It was changed.", "headers": _ETAG}}
    gone = {"204": {"description": "It was deleted."}}
    held = ("404", "412", "428")
    parts = {"content": {"application/merge-patch+json": _ANY, **_BODY["content"]}, "required": True}
    return {
        "put": _operation(
            layer, "replace", "replace it", done, held, parameters, _BODY, _CONTENT_CRS, _IF_MATCH
        ),
        "patch": _operation(
            layer, "update", "change it", done, held, parameters, parts, _CONTENT_CRS, _IF_MATCH
        ),
        "delete": _operation(layer, "delete", "delete it", gone, held, parameters, None, _IF_MATCH),
    }


_ANY: Document = {"schema": {"type": "object"}}
_BODY: Document = {
    "content": {"application/geo+json": _ANY, "application/json": _ANY},
    "required": True,
}


def _operation(
    layer: Layer,
    name: str,
    about: str,
    done: Document,
    statuses: tuple[str, ...],
    parameters: list[Document],
    body: Document | None,
    *headers: Document,
) -> Document:
    always = ("400", "401", "403", "414", "422", "503", *(("413", "415") if body else ()))
    refused = {
        status: {"description": _SAID[status], "content": _PROBLEM} for status in sorted({*always, *statuses})
    }
    operation: Document = {
        "operationId": f"{layer.id}.{name}",
        "summary": f"{layer.title}: {about}",
        "description": _ABOUT[name],
        "security": [{"token": []}],
        "parameters": [*parameters, *headers],
        "responses": {**done, **refused},
    }
    if body:
        operation["requestBody"] = body
    return operation
