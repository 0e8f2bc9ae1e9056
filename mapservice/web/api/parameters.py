"""From a query string to a FeatureQuery: every mistake is found and told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from mapservice.layers.layer import Layer
from mapservice.layers.paging import SortKey, decode_cursor, parse_sort
from mapservice.layers.query import (
    CRS84,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    BadQuery,
    FeatureQuery,
    Mistake,
    parse_bbox,
    parse_crs,
    parse_integer,
    parse_interval,
    parse_value,
    suggest,
)

ITEMS_PARAMETERS = (
    "limit", "offset", "cursor", "sortby", "bbox", "bbox-crs", "crs", "datetime", "properties", "count", "f",
)  # fmt: skip
T = TypeVar("T")


class Reader:
    """Reads parameters one by one, collecting what is wrong; `finish` raises BadQuery if anything was."""

    def __init__(self, arguments: MultiDict[str, str], known: Iterable[str]) -> None:
        self.arguments = arguments
        self.mistakes: list[Mistake] = []
        names = tuple(known)
        for name in arguments:
            if name not in names:
                self.wrong(name, "there is no such parameter here", suggest(name, names))
            elif len(arguments.getlist(name)) > 1:
                self.wrong(name, "is given more than once")

    def wrong(self, parameter: str, reason: str, hint: str | None = None) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(parameter[:80], reason, hint))

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parameter's value, or the default where it is not given or wrong."""
        text = self.arguments.get(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(name, str(error))
            return default

    def finish(self) -> None:
        """Raise BadQuery if there was any mistake."""
        if self.mistakes:
            raise BadQuery(self.mistakes)


def one_of(values: Iterable[str]) -> Callable[[str], str]:
    """A parser for one of some words."""
    known = tuple(values)

    def parse(text: str) -> str:
        if text not in known:
            near = suggest(text, known)
            raise ValueError(f"must be one of {', '.join(known)}" + (f": {near}" if near else ""))
        return text

    return parse


def no_parameters_but(arguments: MultiDict[str, str], known: Iterable[str]) -> None:
    """Refuse parameters that do not exist here."""
    reader = Reader(arguments, known)
    reader.read("f", one_of(("json", "html")), "json")
    reader.finish()


def items_query(layer: Layer, arguments: MultiDict[str, str]) -> FeatureQuery:
    """The query that an items request asks; raises BadQuery with everything wrong in it."""
    filters = {prop.name: prop for prop in layer.filterable if prop.name not in ITEMS_PARAMETERS}
    reader = Reader(arguments, (*ITEMS_PARAMETERS, *filters))
    reader.read("f", one_of(("json", "html")), "json")
    bbox_crs = reader.read("bbox-crs", parse_crs, CRS84)
    if "bbox-crs" in arguments and "bbox" not in arguments:
        reader.wrong("bbox-crs", "goes with bbox")
    if "cursor" in arguments and "offset" in arguments:
        reader.wrong("offset", "does not go with cursor")
    equals = []
    for name, prop in filters.items():
        if name in arguments:
            value = reader.read(name, partial(parse_value, prop), None)
            if value is not None:
                equals.append((prop, value))
    no_order: tuple[SortKey, ...] = ()
    sort = reader.read("sortby", lambda text: parse_sort(layer, text), no_order)
    query = FeatureQuery(
        limit=reader.read("limit", lambda text: parse_integer(text, 1, MAX_LIMIT), DEFAULT_LIMIT),
        offset=reader.read("offset", lambda text: parse_integer(text, 0, MAX_OFFSET), 0),
        cursor=reader.read("cursor", lambda text: decode_cursor(layer, sort, text), None),
        sort=sort,
        crs=reader.read("crs", parse_crs, CRS84),
        bbox=reader.read("bbox", lambda text: parse_bbox(text, bbox_crs), None),
        interval=reader.read("datetime", parse_interval, None),
        equals=tuple(equals),
        count_exactly=reader.read("count", one_of(("exact", "cheap")), "cheap") == "exact",
        fields=reader.read("properties", lambda text: _fields(layer, text), None),
    )
    reader.finish()
    return query


def _fields(layer: Layer, text: str) -> tuple[str, ...]:
    known = [prop.name for prop in layer.properties]
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            near = suggest(name, known)
            raise ValueError(f"there is no property {name[:40]!r}" + (f": {near}" if near else ""))
    return tuple(name for name in known if name in wanted)
