"""What an importer needs to know of the register to check a file against it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from convertbng.cutil import convert_bng
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from mapservice.sources.staging import Cursor
from mapservice.sources.tables import Row


class NotReady(Exception):
    """The register lacks what this import builds on; the message names what to import first."""


@dataclass(frozen=True)
class WardSet:
    """A boundary set of wards as registered."""

    id: str
    vintage: str


@dataclass
class Context:
    """Reads, once each and when first asked, what the register holds that a file may refer to."""

    cursor: Cursor

    def _column(self, query: str) -> list[str]:
        return [row[0] for row in self.cursor.execute(query.encode()).fetchall()]

    @cached_property
    def _borough(self) -> tuple[Any, ...]:
        row = self.cursor.execute(
            "SELECT ST_XMin(extent), ST_YMin(extent), ST_XMax(extent), ST_YMax(extent), margin_m,"
            " locality_vintage FROM register.borough"
        ).fetchone()
        if row is None:
            raise NotReady("the borough is not known yet: import borough.toml first")
        return row

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) of the borough with its margin, EPSG:27700."""
        west, south, east, north, margin, _ = self._borough
        return west - margin, south - margin, east + margin, north + margin

    @property
    def locality_vintage(self) -> str:
        """The vintage of wards that localities are made of."""
        return str(self._borough[5])

    @cached_property
    def sources(self) -> list[str]:
        """Ids of known sources."""
        return self._column("SELECT id FROM register.sources")

    @cached_property
    def organisations(self) -> list[str]:
        """Ids of known organisations."""
        return self._column("SELECT id FROM register.organisations")

    @cached_property
    def categories(self) -> list[str]:
        """Ids of known asset categories."""
        return self._column("SELECT id FROM register.categories")

    @cached_property
    def terms(self) -> list[str]:
        """Ids of known terms of taxonomies."""
        return self._column("SELECT id FROM register.taxonomy_terms")

    @cached_property
    def contacts(self) -> list[str]:
        """Ids of known telephone numbers, e-mail and web addresses."""
        return self._column("SELECT id FROM register.contact_points")

    @cached_property
    def services(self) -> list[str]:
        """Ids of known services."""
        return self._column("SELECT id FROM register.services")

    @cached_property
    def service_locations(self) -> list[str]:
        """Ids of the places where services are given."""
        return self._column("SELECT id FROM register.service_at_locations")

    @cached_property
    def ward_sets(self) -> list[WardSet]:
        """The boundary sets of wards."""
        rows = self.cursor.execute("SELECT id, vintage FROM register.boundary_sets WHERE kind = 'ward'")
        return [WardSet(*row) for row in rows.fetchall()]

    @cached_property
    def localities(self) -> list[str]:
        """Ids of known localities."""
        return self._column(
            "SELECT a.id FROM register.areas a JOIN register.boundary_sets s ON s.id = a.boundary_set_id"
            " WHERE s.kind = 'locality'"
        )

    @cached_property
    def locality_ward_codes(self) -> list[str]:
        """Codes of the wards that localities are made of."""
        rows = self.cursor.execute(
            "SELECT a.code FROM register.areas a JOIN register.boundary_sets s ON s.id = a.boundary_set_id"
            " WHERE s.kind = 'ward' AND s.vintage = %s",
            (self.locality_vintage,),
        )
        return [row[0] for row in rows.fetchall()]

    def ids(self, subject: str) -> set[str]:
        """Ids of all `assets` or `green-spaces`."""
        table = {"assets": "assets", "green-spaces": "green_spaces"}[subject]
        return set(self._column(f"SELECT id FROM register.{table}"))  # noqa: S608 - a name from the line above

    def refuse_outside(self, row: Row, column: str, geometry: BaseGeometry) -> None:
        """Refuse a geometry that reaches beyond the borough and its margin."""
        if not box(*self.bounds).covers(geometry):
            row.refuse(column, f"lies outside the borough and {self._borough[4]} m around it")


def to_grid(longitudes: list[float], latitudes: list[float]) -> list[tuple[float, float]]:
    """Longitudes and latitudes (ETRS89/WGS 84 degrees) as eastings and northings, to the centimetre.

    Places outside the reach of OSTN15 come back as NaN.
    """
    if not longitudes:
        return []
    east, north = convert_bng(np.asarray(longitudes, dtype=float), np.asarray(latitudes, dtype=float))
    return list(zip(np.round(east, 2).tolist(), np.round(north, 2).tolist(), strict=True))
