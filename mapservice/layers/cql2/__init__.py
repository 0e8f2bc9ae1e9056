"""CQL2, the OGC's Common Query Language: a filter as text or JSON becomes a SQL condition on a layer."""

from __future__ import annotations

from mapservice.layers.cql2.compiler import compile_condition
from mapservice.layers.cql2.jsonform import parse_json
from mapservice.layers.cql2.nodes import LONGEST_FILTER, FilterError
from mapservice.layers.cql2.text import parse_text
from mapservice.layers.cql2.values import Scope
from mapservice.layers.layer import Layer
from mapservice.layers.query import CRS84, CRS_BY_URI, LATITUDE_FIRST, BadQuery, Mistake, Predicate

LANGUAGES = ("cql2-text", "cql2-json")


def read_filter(layer: Layer, source: str, language: str = "cql2-text", crs: str = CRS84) -> Predicate:
    """The condition that a filter asks for.

    `crs` is the system of the geometries written in it. Raises BadQuery with the place and the reason.
    """
    try:
        if len(source) > LONGEST_FILTER:
            place = f"character {LONGEST_FILTER + 1}"
            raise FilterError(place, f"a filter may have {LONGEST_FILTER} characters at most")
        scope = Scope(layer, CRS_BY_URI[crs], crs in LATITUDE_FIRST)
        tree = parse_json(source) if language == "cql2-json" else parse_text(source)
        return Predicate(compile_condition(scope, tree), tuple(scope.parameters))
    except FilterError as error:
        raise BadQuery([Mistake("filter", str(error), error.hint)]) from None
