"""The register's tables of who lives where; kept equal to the migrations like `models`."""

from __future__ import annotations

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from mapservice.register.models import (
    GRID_SRID,
    ON_MAPS,
    Base,
    Dated,
    LocatedOnMaps,
    Slug,
    SourceId,
    geometry_indexes,
)


class SmallArea(LocatedOnMaps, Dated, Base):
    """A small area of the census (an LSOA) with its residents and how deprived it is."""

    __tablename__ = "small_areas"
    __table_args__ = geometry_indexes("small_areas", *ON_MAPS)
    geometry_type = "MULTIPOLYGON"

    code: Mapped[Slug]
    name: Mapped[str]
    residents: Mapped[int]
    aged_0_14: Mapped[int | None]
    aged_65_plus: Mapped[int | None]
    households: Mapped[int | None]
    imd_rank: Mapped[int | None]
    imd_decile: Mapped[int | None] = mapped_column(SmallInteger)
    imd_score: Mapped[float | None]
    source_id: Mapped[SourceId]
    deprivation_source_id: Mapped[str | None] = mapped_column(ForeignKey("register.sources.id"))
    as_of: Mapped[str | None]


class HouseholdPoint(Base):
    """The households of an output area, at one point; None where the count is not known."""

    __tablename__ = "household_points"
    __table_args__ = (Index("household_points_geom", "geom", postgresql_using="gist"),)

    code: Mapped[Slug]
    households: Mapped[int | None]
    source_id: Mapped[SourceId]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", GRID_SRID, spatial_index=False))


class Home(Base):
    """Residents of a small area at one of its postcodes; derived by the database."""

    __tablename__ = "homes"
    __table_args__ = (
        Index("homes_small_area", "small_area"),
        Index("homes_geom", "geom", postgresql_using="gist"),
    )

    postcode: Mapped[str] = mapped_column(
        ForeignKey("register.postcodes.postcode", ondelete="CASCADE"), primary_key=True
    )
    small_area: Mapped[str] = mapped_column(
        ForeignKey("register.small_areas.code", ondelete="CASCADE"), primary_key=True
    )
    residents: Mapped[float]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", GRID_SRID, spatial_index=False))
