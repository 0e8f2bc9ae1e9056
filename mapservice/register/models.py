"""The register's tables as SQLAlchemy 2 models; `migrations/` creates them, a test keeps the two equal.

Geometry columns are EPSG:27700 (metres); `geom_4326` (degrees, lon/lat) and `geom_3857` are stored
generated columns that the database fills through SRID 998277, the grid fitted to OSTN15.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    Computed,
    Float,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

GRID_SRID = 27700
FITTED_GRID_SRID = 998277
ON_MAPS = ("geom", "geom_4326", "geom_3857")
"""The columns of `LocatedOnMaps`."""

Key = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Slug = Annotated[str, mapped_column(Text, primary_key=True)]
Words = Annotated[list[str], mapped_column(ARRAY(Text), server_default=text("'{}'"))]
SourceId = Annotated[str, mapped_column(Text, ForeignKey("register.sources.id"))]
Flag = Annotated[bool, mapped_column(server_default=text("false"))]
Metres = Annotated[float, mapped_column(DOUBLE_PRECISION)]


class Base(DeclarativeBase):
    """Everything the register holds lives in the schema `register`."""

    metadata = MetaData(schema="register")
    type_annotation_map = {str: Text, float: Float(53)}  # noqa: RUF012 - SQLAlchemy reads it off the class


class Located:
    """A geometry in EPSG:27700 with its generated copies; subclasses name the geometry type."""

    geometry_type = "POINT"
    geometry_nullable = False

    @declared_attr
    @classmethod
    def geom(cls) -> Mapped[WKBElement]:
        return mapped_column(
            Geometry(cls.geometry_type, GRID_SRID, spatial_index=False), nullable=cls.geometry_nullable
        )

    @declared_attr
    @classmethod
    def geom_4326(cls) -> Mapped[WKBElement]:
        return _generated(cls, 4326)


class LocatedOnMaps(Located):
    """Also kept in EPSG:3857, for vector tiles."""

    @declared_attr
    @classmethod
    def geom_3857(cls) -> Mapped[WKBElement]:
        return _generated(cls, 3857)


def _generated(cls: type[Located], srid: int) -> Mapped[WKBElement]:
    expression = f"ST_Transform(ST_SetSRID(geom, {FITTED_GRID_SRID}), {srid})"
    return mapped_column(
        Geometry(cls.geometry_type, srid, spatial_index=False),
        Computed(expression, persisted=True),
        nullable=cls.geometry_nullable,
    )


def geometry_indexes(table: str, *columns: str) -> tuple[Index, ...]:
    """A spatial index on each geometry column, named after both."""
    return tuple(Index(f"{table}_{column}", column, postgresql_using="gist") for column in columns)


class Dated:
    """When the row was made and last changed; kept by the database."""

    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())


class Sourced:
    """Where a fact came from and how sure we are."""

    source_id: Mapped[SourceId]
    as_of: Mapped[str | None]
    confirmed_on: Mapped[date | None]
    note: Mapped[str | None]


class Source(Base):
    """An outside source, its licence and the words it wants shown."""

    __tablename__ = "sources"

    id: Mapped[Slug]
    title: Mapped[str]
    publisher: Mapped[str]
    licence: Mapped[str]
    licence_url: Mapped[str | None]
    edition: Mapped[str | None]
    method: Mapped[str | None]
    attribution: Mapped[str | None]
    quality: Mapped[str | None]


class BoroughRow(Base):
    """The one borough this database holds: its extent and how well the grid was fitted to it (metres)."""

    __tablename__ = "borough"

    singleton: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    code: Mapped[str]
    name: Mapped[str]
    extent: Mapped[WKBElement] = mapped_column(Geometry("POLYGON", GRID_SRID, spatial_index=False))
    margin_m: Mapped[int]
    locality_vintage: Mapped[str]
    grid_max_error_m: Mapped[Metres]
    grid_rms_error_m: Mapped[Metres]


class LoadedFile(Base):
    """Which edition of a geodata file is in the database, so that an unchanged one is skipped."""

    __tablename__ = "loaded_files"

    path: Mapped[Slug]
    sha256: Mapped[str]
    loaded_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())


class BoundarySet(Base):
    """One vintage of one kind of boundary: the wards of 2002–2022, the wards since, the localities."""

    __tablename__ = "boundary_sets"
    __table_args__ = (UniqueConstraint("kind", "vintage"),)

    id: Mapped[Slug]
    kind: Mapped[str]
    vintage: Mapped[str]
    title: Mapped[str]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    accuracy: Mapped[str | None]
    source_id: Mapped[SourceId]


class Area(LocatedOnMaps, Dated, Base):
    """A ward or a locality; a locality's outline is always the union of its wards."""

    __tablename__ = "areas"
    __table_args__ = (
        UniqueConstraint("boundary_set_id", "id"),
        UniqueConstraint("boundary_set_id", "code"),
        *geometry_indexes("areas", *ON_MAPS),
    )
    geometry_type = "MULTIPOLYGON"

    key: Mapped[Key]
    boundary_set_id: Mapped[str] = mapped_column(ForeignKey("register.boundary_sets.id"))
    id: Mapped[str]
    code: Mapped[str | None]
    name: Mapped[str]


class LocalityWard(Base):
    """A locality's wards, in the vintage the localities are defined on."""

    __tablename__ = "locality_wards"

    locality_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True
    )
    ward_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True, unique=True
    )


class AreaOverlap(Base):
    """Shares of an area that lie in an area of another set; derived by the database."""

    __tablename__ = "area_overlaps"

    area_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True
    )
    other_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True
    )
    share_of_area: Mapped[float]
    share_of_postcodes: Mapped[float | None]


class Organisation(Dated, Base):
    """Who runs a place or a service."""

    __tablename__ = "organisations"

    id: Mapped[Slug]
    name: Mapped[str]
    uuid: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    kind: Mapped[str | None]
    description: Mapped[str | None]
    email: Mapped[str | None]
    website: Mapped[str | None]
    source_id: Mapped[SourceId]
    note: Mapped[str | None]


class Category(Base):
    """A kind of place; a place may be of several."""

    __tablename__ = "categories"

    id: Mapped[Slug]
    name: Mapped[str]
    plural: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger, unique=True)
    usual_support: Mapped[Words]
    open_door: Mapped[Flag]


class Asset(LocatedOnMaps, Dated, Sourced, Base):
    """A place that can help; without geometry while its place is still to be confirmed."""

    __tablename__ = "assets"
    __table_args__ = (
        *geometry_indexes("assets", *ON_MAPS),
        Index("assets_categories", "categories", postgresql_using="gin"),
        Index("assets_name", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
        Index("assets_ods_code", "ods_code", unique=True),
    )
    geometry_nullable = True

    key: Mapped[Key]
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str | None]
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text))
    support: Mapped[Words]
    organisation_id: Mapped[str | None] = mapped_column(ForeignKey("register.organisations.id"))
    hub_for_key: Mapped[int | None] = mapped_column(ForeignKey("register.areas.key"))
    listed_area_key: Mapped[int | None] = mapped_column(ForeignKey("register.areas.key"))
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    position: Mapped[str]
    opening_hours: Mapped[str | None]
    opening_note: Mapped[str | None]
    step_free: Mapped[str] = mapped_column(server_default="unknown")
    ods_code: Mapped[str | None]
    uprn: Mapped[str | None]
    visibility: Mapped[str] = mapped_column(server_default="public")
    verified: Mapped[bool]
    demonstration: Mapped[Flag]
    toilet: Mapped[str] = mapped_column(server_default="unknown")
    hearing_loop: Mapped[str] = mapped_column(server_default="unknown")
    changing_place: Mapped[str] = mapped_column(server_default="unknown")
    parking: Mapped[str] = mapped_column(server_default="unknown")


class Closure(Base):
    """Days on which a place is shut whatever its hours say; without a last day, until further notice."""

    __tablename__ = "closures"
    __table_args__ = (Index("closures_asset", "asset_key"),)

    id: Mapped[Slug]
    asset_key: Mapped[int] = mapped_column(ForeignKey("register.assets.key", ondelete="CASCADE"))
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    reason: Mapped[str]
    source_id: Mapped[SourceId]
    note: Mapped[str | None]


class AssetArea(Base):
    """Which areas an asset lies in, one of each boundary set; derived by the database."""

    __tablename__ = "asset_areas"
    __table_args__ = (Index("asset_areas_area", "area_key"),)

    asset_key: Mapped[int] = mapped_column(
        ForeignKey("register.assets.key", ondelete="CASCADE"), primary_key=True
    )
    area_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True
    )
    share: Mapped[float]


class ContactPoint(Dated, Sourced, Base):
    """A telephone number, e-mail or web address of one asset, or of the borough as a whole."""

    __tablename__ = "contact_points"
    __table_args__ = (Index("contact_points_asset", "asset_key"),)

    id: Mapped[Slug]
    asset_key: Mapped[int | None] = mapped_column(ForeignKey("register.assets.key", ondelete="CASCADE"))
    name: Mapped[str]
    kind: Mapped[str]
    value: Mapped[str]
    purpose: Mapped[str | None]
    hours: Mapped[str | None]
    opening_hours: Mapped[str | None]
    support: Mapped[Words]
    audience: Mapped[str | None]
    rank: Mapped[int] = mapped_column(server_default=text("100"))
    emergency: Mapped[Flag]


class GreenSpace(LocatedOnMaps, Dated, Sourced, Base):
    """A green space, existing or potential: an outline where one is known, else an approximate point."""

    __tablename__ = "green_spaces"
    __table_args__ = geometry_indexes("green_spaces", *ON_MAPS)
    geometry_type = "GEOMETRY"

    key: Mapped[Key]
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    status: Mapped[str]
    type: Mapped[str]
    access: Mapped[str]
    access_note: Mapped[str | None]
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    current_use: Mapped[str | None]
    owner_kind: Mapped[str | None]
    area_stated_ha: Mapped[float | None]
    cost_gbp: Mapped[int | None]
    stage: Mapped[str | None]
    stage_reason: Mapped[str | None]
    position: Mapped[str]
    visibility: Mapped[str] = mapped_column(server_default="public")
    verified: Mapped[bool]
    verified_fields: Mapped[str | None]
    demonstration: Mapped[Flag]
    opportunity: Mapped[str | None]
    opened_on: Mapped[date | None]
    owner_note: Mapped[str | None]
    title_number: Mapped[str | None]
    safety_note: Mapped[str | None]
    due_on: Mapped[date | None]


class GreenSpaceArea(Base):
    """Which areas a green space lies in and with what share of it; derived by the database."""

    __tablename__ = "green_space_areas"
    __table_args__ = (Index("green_space_areas_area", "area_key"),)

    green_space_key: Mapped[int] = mapped_column(
        ForeignKey("register.green_spaces.key", ondelete="CASCADE"), primary_key=True
    )
    area_key: Mapped[int] = mapped_column(
        ForeignKey("register.areas.key", ondelete="CASCADE"), primary_key=True
    )
    share: Mapped[float]


class Entrance(Dated, Base):
    """An access point of an asset or of a green space."""

    __tablename__ = "entrances"
    __table_args__ = (
        Index("entrances_geom", "geom", postgresql_using="gist"),
        Index("entrances_asset", "asset_key"),
        Index("entrances_green_space", "green_space_key"),
    )

    id: Mapped[Slug]
    asset_key: Mapped[int | None] = mapped_column(ForeignKey("register.assets.key", ondelete="CASCADE"))
    green_space_key: Mapped[int | None] = mapped_column(
        ForeignKey("register.green_spaces.key", ondelete="CASCADE")
    )
    name: Mapped[str | None]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POINT", GRID_SRID, spatial_index=False))
    step_free: Mapped[str] = mapped_column(server_default="unknown")
    source_id: Mapped[SourceId]
    confirmed_on: Mapped[date | None]
    note: Mapped[str | None]


class Evidence(Base):
    """What one source says about one place, kept whether or not the register follows it."""

    __tablename__ = "evidence"
    __table_args__ = (UniqueConstraint("subject", "subject_id", "source_id", "says"),)

    key: Mapped[Key]
    subject: Mapped[str]
    subject_id: Mapped[str]
    source_id: Mapped[SourceId]
    says: Mapped[str]
    used: Mapped[bool]


class Postcode(Located, Base):
    """A postcode's point. A place's ward comes from its own point, never from here."""

    __tablename__ = "postcodes"
    __table_args__ = (
        Index("postcodes_geom", "geom", postgresql_using="gist"),
        Index("postcodes_sector", "postcode", postgresql_ops={"postcode": "text_pattern_ops"}),
    )

    postcode: Mapped[Slug]
    quality: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str]
    last_seen: Mapped[str | None]
    source_id: Mapped[SourceId]
    note: Mapped[str | None]
    district: Mapped[str | None]
