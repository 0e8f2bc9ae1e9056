"""The borough this service is for, as its data folder describes it: nothing about a place is in the code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
VINTAGE = re.compile(r"[a-z0-9_]{1,20}", re.ASCII)


class BoroughFileError(Exception):
    """`borough.toml` is missing or wrong; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class BoundarySetFile:
    """One vintage of ward outlines: where its file is and when it held."""

    id: str
    vintage: str
    title: str
    file: str
    valid_from: date | None
    valid_to: date | None
    source: str
    accuracy: str


@dataclass(frozen=True, slots=True)
class LocalitiesFile:
    """Which wards make up each locality; their outlines follow from it."""

    title: str
    file: str
    source: str
    accuracy: str


@dataclass(frozen=True, slots=True)
class Noun:
    """What a borough calls something, one and several of it."""

    singular: str
    plural: str


@dataclass(frozen=True, slots=True)
class Borough:
    """What `borough.toml` says.

    `extent` is (min easting, min northing, max easting, max northing) in EPSG:27700 metres; `map_centre` is
    (longitude, latitude). `hub` is what the place is called that is each locality's way in, `promise` what
    the partnership calls its list of places; `councils` are the borough and its neighbours by code (GSS).
    """

    code: str
    name: str
    short_name: str
    post_town: str
    council: str
    extent: tuple[float, float, float, float]
    margin_m: int
    map_centre: tuple[float, float]
    map_zoom: int
    boundary_sets: tuple[BoundarySetFile, ...]
    localities: LocalitiesFile
    locality_vintage: str
    last_resort_contact: str
    emergency: str
    out_of_hours_contact: str
    attribution: tuple[str, ...]
    licence: str
    licence_url: str | None
    hub: Noun
    promise: str
    councils: Mapping[str, str]
    published_library_share: str

    @property
    def newest_wards(self) -> BoundarySetFile:
        """The boundary set in force today."""
        return max(self.boundary_sets, key=lambda s: s.valid_from or date.min)


def read_borough(folder: Path) -> Borough:
    """Read `borough.toml` in a data folder; raises BoroughFileError naming what is wrong with it."""
    path = folder / "borough.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BoroughFileError(f"{path}: there is no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BoroughFileError(f"{path}: {error}") from error
    try:
        return _borough(raw)
    except KeyError as error:
        raise BoroughFileError(f"{path}: {error.args[0]} is missing") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise BoroughFileError(f"{path}: {error}") from error


def _borough(raw: dict[str, Any]) -> Borough:
    extent, view, localities = raw["extent"], raw["map"], raw["localities"]
    words = raw.get("words", {})
    west, south = float(extent["min_easting"]), float(extent["min_northing"])
    east, north = float(extent["max_easting"]), float(extent["max_northing"])
    if not (west < east and south < north):
        raise ValueError("extent: the minimum must be less than the maximum")
    return Borough(
        code=str(raw["code"]),
        name=str(raw["name"]),
        short_name=str(raw.get("short_name", raw["name"])),
        post_town=str(raw.get("post_town", raw.get("short_name", raw["name"]))),
        council=str(raw["council"]),
        extent=(west, south, east, north),
        margin_m=int(extent["margin_m"]),
        map_centre=(float(view["longitude"]), float(view["latitude"])),
        map_zoom=int(view["zoom"]),
        boundary_sets=tuple(_boundary_set(item) for item in raw["boundary_sets"]),
        localities=LocalitiesFile(
            title=str(localities["title"]),
            file=str(localities["file"]),
            source=str(localities["source"]),
            accuracy=str(localities.get("accuracy", "")),
        ),
        locality_vintage=str(raw["locality_vintage"]),
        last_resort_contact=str(raw["last_resort_contact"]),
        emergency=str(raw.get("emergency", "")),
        out_of_hours_contact=str(raw.get("out_of_hours_contact", "")),
        attribution=tuple(str(line) for line in raw["attribution"]),
        licence=str(raw["licence"]),
        licence_url=str(raw["licence_url"]) if "licence_url" in raw else None,
        hub=Noun(str(words.get("hub", "Hub")), str(words.get("hubs", "Hubs"))),
        promise=str(words.get("promise", "No wrong door")),
        published_library_share=str(raw.get("published", {}).get("library_within_15_minutes", "")),
        councils={str(code): str(name) for code, name in raw.get("councils", {}).items()},
    )


def _boundary_set(item: dict[str, Any]) -> BoundarySetFile:
    return BoundarySetFile(
        id=_name(item["id"], "id", SLUG),
        vintage=_name(item["vintage"], "vintage", VINTAGE),
        title=str(item["title"]),
        file=str(item["file"]),
        valid_from=item.get("valid_from"),
        valid_to=item.get("valid_to"),
        source=str(item["source"]),
        accuracy=str(item.get("accuracy", "")),
    )


def _name(value: object, field: str, form: re.Pattern[str]) -> str:
    """A word that becomes part of names of layers and properties, and so must be of a plain form."""
    if not form.fullmatch(str(value)):
        raise ValueError(f"boundary_sets: {field} {value!r} must be of the form {form.pattern}")
    return str(value)
