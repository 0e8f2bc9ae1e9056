"""The parameters of the directory's lists: every mistake is found and told at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from werkzeug.datastructures import MultiDict

from mapservice.layers.query import parse_integer, parse_interval, parse_number
from mapservice.services.search import Asked
from mapservice.web.api.parameters import Reader

MOST_PER_PAGE = 500
PER_PAGE = 50
LAST_PAGE = 1_000_000
FURTHEST = 100_000
LONGEST_TEXT = 200
PAGING = ("page", "per_page")
FILTERS = {
    "services": (
        "search", "taxonomy_term_id", "taxonomy_id", "organization_id", "minimum_age", "maximum_age",
        "start_time", "end_time", "day", "modified_after",
    ),
    "service_at_locations": (
        "search", "taxonomy_term_id", "taxonomy_id", "organization_id", "minimum_age", "maximum_age",
        "start_time", "end_time", "day", "modified_after", "postcode", "proximity",
    ),
    "taxonomies": ("search",),
    "taxonomy_terms": ("search", "taxonomy_id"),
}  # fmt: skip
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAMES_OF_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_asked(kind: str, arguments: MultiDict[str, str]) -> tuple[Asked, int, int]:
    """What a list is asked for, its page and how many to a page; raises BadQuery."""
    reader = Reader(arguments, (*FILTERS[kind], *PAGING))
    asked: dict[str, Any] = {name: reader.read(name, _PARSERS[name], None) for name in FILTERS[kind]}
    page = reader.read("page", lambda text: parse_integer(text, 1, LAST_PAGE), 1)
    per_page = reader.read("per_page", lambda text: parse_integer(text, 1, MOST_PER_PAGE), PER_PAGE)
    if "proximity" in arguments and "postcode" not in arguments:
        reader.wrong("proximity", "needs a postcode to measure from")
    reader.finish()
    return Asked(**asked), page, per_page


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a NUL character")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"must not be longer than {LONGEST_TEXT} characters")
    return text.strip()


def _age(text: str) -> float:
    years = parse_number(text)
    if not 0 <= years <= 150:
        raise ValueError("must be an age in years")
    return years


def _clock(text: str) -> time:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9])?Z?", text, re.ASCII)
    if not match:
        raise ValueError("must be a time of day such as 09:30")
    return time(int(match[1]), int(match[2]))


def _day(text: str) -> str:
    plain = text.strip().lower()
    for code, name in zip(DAYS, _NAMES_OF_DAYS, strict=True):
        if len(plain) >= 2 and name.startswith(plain):
            return code
    raise ValueError(f"must be a day of the week: {', '.join(DAYS)}, or its name")


def _metres(text: str) -> float:
    metres = parse_number(text)
    if not 0 < metres <= FURTHEST:
        raise ValueError(f"must be metres, more than 0 and at most {FURTHEST}")
    return metres


def _moment(text: str) -> datetime:
    start = parse_interval(text).start
    if start is None or "/" in text:
        raise ValueError("must be a date or an instant")
    return start


_PARSERS: dict[str, Callable[[str], Any]] = {
    "search": _text,
    "taxonomy_term_id": _text,
    "taxonomy_id": _text,
    "organization_id": _text,
    "minimum_age": _age,
    "maximum_age": _age,
    "start_time": _clock,
    "end_time": _clock,
    "day": _day,
    "postcode": _text,
    "proximity": _metres,
    "modified_after": _moment,
}
