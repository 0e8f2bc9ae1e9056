"""Answers in the format the client wants: JSON bytes or a page made of the same document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import orjson
from flask import Response, render_template, request

from mapservice.layers.formats import FORMAT_BY_ID, Format
from mapservice.layers.query import BadQuery, Mistake
from mapservice.web.accepting import DOCUMENTS, FEATURES, chosen

Representation = Literal["json", "html"]


def cell(value: Any) -> str:
    """A property's value as the text of a table cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(cell(each) for each in value)
    if isinstance(value, dict):
        if {"name", "share"} <= value.keys():
            return f"{value['name']} {value['share']:.0%}"
        return "; ".join(f"{key}: {cell(each)}" for key, each in value.items())
    return str(value)


def wanted_format() -> Representation:
    """What `f` or, without it, `Accept` asks for."""
    asked = request.args.get("f")
    if asked in ("json", "geojson", "html"):  # which of them there are here, the parameters' reader says
        return "html" if asked == "html" else "json"
    if asked is not None:
        raise BadQuery([Mistake("f", "must be json or html")])
    best = chosen(request.headers.get("Accept", ""), DOCUMENTS)
    return "html" if best == "text/html" else "json"


def wanted_features_format() -> Format | Literal["html"]:
    """The format of features that `f` or, without it, `Accept` asks for; GeoJSON where neither does."""
    found = preferred_format(request.args.get("f"), request.headers.get("Accept", ""))
    return "html" if found == "html" else FORMAT_BY_ID[found]


@lru_cache(maxsize=256)
def preferred_format(asked: str | None, accept: str) -> str:
    """The id of the format of features, or html, that an `f` or else an `Accept` header asks for."""
    if asked is None:
        return FEATURES[chosen(accept, tuple(FEATURES))]
    return asked if asked == "html" or asked in FORMAT_BY_ID else "json"


def answer(document: dict[str, Any], template: str, media_type: str = "application/json") -> Response:
    """A document as JSON, or in a page."""
    if wanted_format() == "html":
        return Response(render_template(template, document=document), content_type="text/html; charset=utf-8")
    return Response(orjson.dumps(document), content_type=media_type)
