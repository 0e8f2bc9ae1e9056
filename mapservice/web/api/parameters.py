"""From a query string to a FeatureQuery: every mistake is found and told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime
from functools import lru_cache, partial
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from mapservice.layers.cql2 import LANGUAGES, read_filter
from mapservice.layers.formats import FORMAT_BY_ID, Format
from mapservice.layers.history import parse_as_of, read_beginning
from mapservice.layers.layer import Layer, Property
from mapservice.layers.naming import ITEMS_PARAMETERS as ITEMS_PARAMETERS
from mapservice.layers.paging import SortKey, decode_cursor, parse_sort
from mapservice.layers.query import (
    CRS84,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    BadQuery,
    FeatureQuery,
    Mistake,
    Predicate,
    parse_bbox,
    parse_crs,
    parse_integer,
    parse_interval,
    parse_value,
    suggest,
)
from mapservice.layers.queryables import GEOMETRY, queryables
from mapservice.web import context
from mapservice.web.requests import preferred_handling

ITEM_PARAMETERS = ("crs", "properties", "exclude-properties", "skip-geometry", "as_of", "f")
GEOJSON = "geojson"
"""What many take the name of the format `json` to be: taken for it wherever features are asked for."""
FEATURE_FORMATS = ("json", GEOJSON, *(name for name in FORMAT_BY_ID if name != "json"), "html")
T = TypeVar("T")


class Reader:
    """Reads parameters one by one, collecting what is wrong; `finish` raises BadQuery if anything was.

    A parameter that does not exist is a mistake, unless the client prefers lenient handling.
    """

    def __init__(self, arguments: MultiDict[str, str], known: Iterable[str]) -> None:
        self.arguments = arguments
        self.mistakes: list[Mistake] = []
        names = tuple(known)
        for name in arguments:
            if name not in names:
                if preferred_handling() != "lenient":
                    self.wrong(name, "there is no such parameter here", suggest(name, names))
            elif len(arguments.getlist(name)) > 1:
                self.wrong(name, "is given more than once")

    def wrong(self, parameter: str, reason: str, hint: str | None = None) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(parameter[:80], reason, hint))

    def read(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The parameter's value, or the default where it is not given or wrong."""
        # Asked for first: a MultiDict's get() makes an exception for every name that is not there.
        if name not in self.arguments:
            return default
        try:
            return parse(self.arguments[name])
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


@lru_cache(maxsize=256)
def filters_of(layer: Layer) -> Mapping[str, Property]:
    """The properties that a parameter of their own name filters by."""
    return {name: prop for name, prop in queryables(layer).items() if name not in ITEMS_PARAMETERS}


@lru_cache(maxsize=256)
def known_of_items(layer: Layer) -> Set[str]:
    """The names of every parameter of a layer's items, in the order in which they are suggested."""
    return dict.fromkeys((*ITEMS_PARAMETERS, *filters_of(layer))).keys()


def items_query(layer: Layer, arguments: MultiDict[str, str], wanted: Format | None = None) -> FeatureQuery:
    """The query that an items request asks; raises BadQuery with everything wrong in it.

    `wanted` is the format of the answer, where it restricts what can be asked.
    """
    reader = Reader(arguments, known_of_items(layer))
    reader.read("f", one_of(FEATURE_FORMATS), "json")
    bbox_crs = reader.read("bbox-crs", parse_crs, CRS84)
    if "bbox-crs" in arguments and "bbox" not in arguments:
        reader.wrong("bbox-crs", "goes with bbox")
    if "cursor" in arguments and "offset" in arguments:
        reader.wrong("offset", "does not go with cursor")
    equals = []
    for name, prop in filters_of(layer).items():
        if name in arguments:
            value = reader.read(name, partial(parse_value, prop), None)
            if value is not None:
                equals.append((prop, value))
    no_order: tuple[SortKey, ...] = ()
    sort = reader.read("sortby", lambda text: parse_sort(layer, text), no_order)
    fields, geometry = read_selection(reader, layer)
    query = FeatureQuery(
        limit=reader.read("limit", lambda text: parse_integer(text, 1, MAX_LIMIT), DEFAULT_LIMIT),
        offset=reader.read("offset", _offset, 0),
        cursor=reader.read("cursor", lambda text: decode_cursor(layer, sort, text), None),
        sort=sort,
        crs=reader.read("crs", parse_crs, CRS84),
        bbox=reader.read("bbox", lambda text: parse_bbox(text, bbox_crs), None),
        interval=reader.read("datetime", parse_interval, None),
        equals=tuple(equals),
        count_exactly=reader.read("count", one_of(("exact", "cheap")), "cheap") == "exact",
        predicate=_predicate(reader, layer),
        as_of=read_as_of(reader, layer),
        fields=fields,
        geometry=geometry,
    )
    if wanted is not None and wanted.degrees_only and query.crs != CRS84:
        reader.wrong("crs", f"{wanted.title} is always in longitude and latitude; leave crs out")
    reader.finish()
    return query


def item_query(layer: Layer, arguments: MultiDict[str, str]) -> FeatureQuery:
    """How a request for one feature wants it: its CRS, its instant, and which of its properties."""
    reader = Reader(arguments, ITEM_PARAMETERS)
    reader.read("f", one_of(("json", GEOJSON, "html")), "json")
    fields, geometry = read_selection(reader, layer)
    query = FeatureQuery(
        crs=reader.read("crs", parse_crs, CRS84),
        as_of=read_as_of(reader, layer),
        fields=fields,
        geometry=geometry,
    )
    reader.finish()
    return query


def read_as_of(reader: Reader, layer: Layer) -> datetime | None:
    """The instant at which the layer is asked for, which its history must reach; None for now."""
    instant = reader.read("as_of", parse_as_of, None)
    if instant is None:
        return None
    with context.database().reading() as cursor:
        began = read_beginning(cursor, layer)
    if began is None:
        reader.wrong("as_of", "no history is kept of this layer")
    elif instant < began:
        reader.wrong("as_of", f"the history of this layer begins at {began:%Y-%m-%dT%H:%M:%S.%fZ}")
    return instant


def read_selection(reader: Reader, layer: Layer) -> tuple[tuple[str, ...] | None, bool]:
    """Which properties are wanted (None: all), and whether the geometry is."""
    arguments = reader.arguments
    left_out = reader.read("exclude-properties", lambda text: _fields(layer, text, GEOMETRY), None)
    fields = reader.read("properties", lambda text: _fields(layer, text, GEOMETRY), None)
    skipped = reader.read("skip-geometry", one_of(("true", "false")), "false") == "true"
    if "properties" in arguments and "exclude-properties" in arguments:
        reader.wrong("exclude-properties", "does not go with properties")
    if skipped and fields and GEOMETRY in fields:
        reader.wrong("skip-geometry", "does not go with properties that name the geometry")
    if left_out is not None:
        fields = tuple(prop.name for prop in layer.properties if prop.name not in left_out)
        return fields, not skipped and GEOMETRY not in left_out
    if fields is not None:
        fields = tuple(name for name in fields if name != GEOMETRY)
    return fields, not skipped


def _predicate(reader: Reader, layer: Layer) -> Predicate | None:
    language = reader.read("filter-lang", one_of(LANGUAGES), LANGUAGES[0])
    crs = reader.read("filter-crs", parse_crs, CRS84)
    source = reader.arguments.get("filter")
    if source is None:
        for name in ("filter-lang", "filter-crs"):
            if name in reader.arguments:
                reader.wrong(name, "goes with filter")
        return None
    try:
        return read_filter(layer, source, language, crs)
    except BadQuery as error:
        reader.mistakes.extend(error.mistakes)
        return None


def _offset(text: str) -> int:
    offset = parse_integer(text, 0)
    if offset > MAX_OFFSET:
        raise ValueError(f"must be {MAX_OFFSET} or less; follow the links called next instead")
    return offset


def _fields(layer: Layer, text: str, *others: str) -> tuple[str, ...]:
    known = [*(prop.name for prop in layer.properties), *others]
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            near = suggest(name, known)
            raise ValueError(f"there is no property {name[:40]!r}" + (f": {near}" if near else ""))
    return tuple(name for name in known if name in wanted)
