"""A request for features as a value: checked against a layer, independent of HTTP."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from mapservice.layers.layer import Property
from mapservice.layers.paging import Cursor, SortKey

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
MAX_OFFSET = 10_000_000
LARGEST_INTEGER = 2**63 - 1

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS_BY_URI = {
    CRS84: 4326,
    "http://www.opengis.net/def/crs/EPSG/0/27700": 27700,
    "http://www.opengis.net/def/crs/EPSG/0/4326": 4326,
    "http://www.opengis.net/def/crs/EPSG/0/3857": 3857,
}
CRS_URIS = tuple(CRS_BY_URI)
STORAGE_CRS = "http://www.opengis.net/def/crs/EPSG/0/27700"
# EPSG's definition of 4326 has latitude first; CRS84 is the same datum with longitude first.
LATITUDE_FIRST = frozenset({"http://www.opengis.net/def/crs/EPSG/0/4326"})

DURATION = re.compile(
    r"P(?:(?P<years>\d{1,5})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one parameter, said to the person who sent it."""

    parameter: str
    reason: str
    hint: str | None = None


class BadQuery(Exception):
    """The request cannot be answered as it stands; `mistakes` lists everything wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(f"{m.parameter}: {m.reason}" for m in self.mistakes))


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box, x (longitude or easting) before y. `minx > maxx` crosses the antimeridian."""

    minx: float
    miny: float
    maxx: float
    maxy: float
    srid: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, both ends included; None is open."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition as SQL over the alias `f`, with its parameters: made by the filter language."""

    sql: str
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Which features of a layer, in which order and CRS, which of their properties, and which page of them.

    `fields` names the properties wanted (None: all). `as_of` asks for the layer as it was at an instant.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: Cursor | None = None
    sort: tuple[SortKey, ...] = ()
    crs: str = CRS84
    bbox: Box | None = None
    interval: Interval | None = None
    equals: tuple[tuple[Property, str | int | float | bool], ...] = ()
    predicate: Predicate | None = None
    fields: tuple[str, ...] | None = None
    geometry: bool = True
    as_of: datetime | None = None
    count_exactly: bool = False

    @property
    def srid(self) -> int:
        return CRS_BY_URI[self.crs]

    @property
    def begun(self) -> bool:
        """Whether it asks for a page other than the first."""
        return self.cursor is not None or self.offset > 0

    @property
    def filtered(self) -> bool:
        """Whether it asks for less than the whole layer."""
        return bool(self.bbox or self.interval or self.equals or self.predicate)


def suggest(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the known word nearest to a mistaken one."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


def parse_integer(text: str, least: int, most: int | None = None) -> int:
    """A whole number ≥ `least`; larger than `most` is taken as `most`. Raises ValueError with the reason."""
    if not re.fullmatch(r"[+-]?\d{1,1000}", text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a whole number")
    number = int(text)
    if number < least:
        raise ValueError(f"must be {least} or more")
    if most is None and number > LARGEST_INTEGER:
        raise ValueError(f"must be {LARGEST_INTEGER} or less")
    return number if most is None else min(number, most)


def parse_number(text: str) -> float:
    """A finite number as JSON writes it, or with a sign or spaces; raises ValueError with the reason."""
    # float() alone would take 1_000, nan and infinity too.
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text.strip(), re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a number")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]!r} is too large")
    return number


def parse_crs(text: str) -> str:
    """One of the CRS URIs served; `EPSG:27700` and `[EPSG:27700]` are understood too."""
    known = text.strip().strip("[]")
    if re.fullmatch(r"(?i)epsg:\d+", known):
        known = f"http://www.opengis.net/def/crs/EPSG/0/{known[5:]}"
    elif known.upper() in ("CRS84", "OGC:CRS84"):
        known = CRS84
    if known not in CRS_BY_URI:
        raise ValueError(f"this coordinate reference system is not served; use one of {', '.join(CRS_URIS)}")
    return known


def parse_bbox(text: str, crs: str = CRS84) -> Box:
    """`minx,miny,maxx,maxy` or the six-number form (heights are ignored), in the axis order of `crs`."""
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise ValueError("must be four numbers: west,south,east,north")
    try:
        numbers = [parse_number(part) for part in parts]
    except ValueError as error:
        raise ValueError(f"must be four numbers: west,south,east,north; {error}") from None
    if len(numbers) == 6:
        if numbers[2] > numbers[5]:
            raise ValueError("the lower height must not be above the upper one")
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    minx, miny, maxx, maxy = numbers
    if crs in LATITUDE_FIRST:
        minx, miny, maxx, maxy = miny, minx, maxy, maxx
    srid = CRS_BY_URI[crs]
    if miny > maxy:
        raise ValueError("the south edge must not be north of the north edge")
    if srid == 4326 and not (miny >= -90 and maxy <= 90 and -180 <= minx <= 180 and -180 <= maxx <= 180):
        raise ValueError("longitudes must be from -180 to 180 and latitudes from -90 to 90")
    if srid != 4326 and minx > maxx:
        raise ValueError("the west edge must not be east of the east edge")
    if max(abs(n) for n in numbers) > 1e9:
        raise ValueError("is out of all bounds")
    return Box(minx, miny, maxx, maxy, srid)


def parse_interval(text: str) -> Interval:
    """An RFC 3339 date or instant, or two of them as `start/end`, `../end`, `start/..`.

    A duration (ISO 8601, such as P1M or PT12H) may stand for either end: OGC's test suite asks with one.
    """
    ends = text.split("/")
    if len(ends) == 1:
        start, end = _instants(ends[0])
        return Interval(start, end)
    if len(ends) != 2:
        raise ValueError("must be an instant or start/end")
    first: datetime | None
    last: datetime | None
    if ends[1].startswith("P"):
        first = _instants(ends[0])[0]
        last = _moved(first, ends[1], 1)
    elif ends[0].startswith("P"):
        last = _instants(ends[1])[1]
        first = _moved(last, ends[0], -1)
    else:
        first = None if ends[0] in ("", "..") else _instants(ends[0])[0]
        last = None if ends[1] in ("", "..") else _instants(ends[1])[1]
    if first and last and first > last:
        raise ValueError("the start must not be after the end")
    if first is None and last is None and text not in ("../..", "/", "/..", "../"):
        raise ValueError("must be an instant or start/end")
    return Interval(first, last)


def _moved(instant: datetime, duration: str, sign: int) -> datetime:
    found = DURATION.fullmatch(duration)
    if not found or duration.endswith(("P", "T")):
        raise ValueError(f"{duration[:40]!r} is not a duration such as P1M or PT12H, nor a date")
    parts = {name: sign * int(number) for name, number in found.groupdict().items() if number}
    try:
        return instant + relativedelta(**parts)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        raise ValueError(f"{duration[:40]!r} leads beyond the first or last of dates") from None


def _instants(text: str) -> tuple[datetime, datetime]:
    """The first and last instant that a date (whole day, UTC) or an instant stands for."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return day, day + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)
        if not re.fullmatch(
            r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", text, re.ASCII
        ):
            raise ValueError
        # In UTC, for the database knows no offsets of 16 hours and more.
        instant = datetime.fromisoformat(text.upper().replace(" ", "T")).astimezone(UTC)
        return instant, instant
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is not a date (2024-05-31) or an instant (2024-05-31T09:00:00Z)"
        ) from None


def parse_value(prop: Property, text: str) -> str | int | float | bool:
    """The value of a property filter, in the property's type; raises ValueError with the reason."""
    match prop.type:
        case "integer":
            return parse_integer(text, -(10**18))
        case "number":
            return parse_number(text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError("must be true or false")
            return text.lower() == "true"
        case "date" | "date-time":
            return _instants(text)[0].isoformat() if prop.type == "date-time" else _date(text)
        case _:
            if "\x00" in text:
                raise ValueError("must not hold a NUL character")
            if prop.values and text not in prop.values:
                near = suggest(text, prop.values)
                raise ValueError(f"must be one of {', '.join(prop.values)}" + (f": {near}" if near else ""))
            return text


def _date(text: str) -> str:
    try:
        # fromisoformat() alone would take 20240531 and 2024-W22-5 too.
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a date such as 2024-05-31") from None
