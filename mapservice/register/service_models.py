"""Services, and where and when they are given: the models of what HSDS-UK 3.0 describes."""

from __future__ import annotations

import uuid
from datetime import date, time
from decimal import Decimal
from typing import Annotated

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import Computed, Date, ForeignKey, Index, Numeric, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION
from sqlalchemy.orm import Mapped, mapped_column

from mapservice.register.models import FITTED_GRID_SRID, GRID_SRID, Base, Dated, Flag, Slug, Sourced

Identifier = Annotated[uuid.UUID, mapped_column(Uuid, unique=True)]
ServiceId = Annotated[
    str, mapped_column(Text, ForeignKey("register.services.id", onupdate="CASCADE", ondelete="CASCADE"))
]
ServiceKey = Annotated[
    str,
    mapped_column(
        Text, ForeignKey("register.services.id", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True
    ),
]
VocabularySource = Annotated[str | None, mapped_column(Text, ForeignKey("register.sources.id"))]
Years = Annotated[float | None, mapped_column(DOUBLE_PRECISION)]


class Taxonomy(Dated, Base):
    """A list of terms that services are described with; without a source, this service's own."""

    __tablename__ = "taxonomies"

    id: Mapped[Slug]
    uuid: Mapped[Identifier]
    name: Mapped[str]
    description: Mapped[str]
    uri: Mapped[str | None]
    version: Mapped[str | None]
    source_id: Mapped[VocabularySource]


class TaxonomyTerm(Dated, Base):
    """One term; `support` is the dimension of support it speaks of."""

    __tablename__ = "taxonomy_terms"
    __table_args__ = (Index("taxonomy_terms_taxonomy", "taxonomy_id"),)

    id: Mapped[Slug]
    uuid: Mapped[Identifier]
    taxonomy_id: Mapped[str] = mapped_column(
        ForeignKey("register.taxonomies.id", onupdate="CASCADE", ondelete="CASCADE")
    )
    parent_id: Mapped[str | None] = mapped_column(
        ForeignKey("register.taxonomy_terms.id", onupdate="CASCADE")
    )
    name: Mapped[str]
    description: Mapped[str]
    term_uri: Mapped[str | None]
    support: Mapped[str | None]
    source_id: Mapped[VocabularySource]


class Service(Dated, Sourced, Base):
    """What an organisation offers, to whom, and for how much."""

    __tablename__ = "services"
    __table_args__ = (
        Index("services_organisation", "organisation_id"),
        Index("services_name", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    )

    id: Mapped[Slug]
    uuid: Mapped[Identifier]
    organisation_id: Mapped[str] = mapped_column(ForeignKey("register.organisations.id", onupdate="CASCADE"))
    kind: Mapped[str] = mapped_column(server_default="service")
    name: Mapped[str]
    description: Mapped[str | None]
    url: Mapped[str | None]
    email: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="active")
    fees: Mapped[str | None]
    eligibility: Mapped[str | None]
    minimum_age: Mapped[Years]
    maximum_age: Mapped[Years]
    how_to_get_it: Mapped[str | None]
    alert: Mapped[str | None]
    assurer_email: Mapped[str | None]
    visibility: Mapped[str] = mapped_column(server_default="public")
    verified: Mapped[bool]
    demonstration: Mapped[Flag]


class ServiceAtLocation(Dated, Sourced, Base):
    """Where a service is given: at an asset, in a green space, or at a pop-up place named here."""

    __tablename__ = "service_at_locations"
    __table_args__ = (
        Index("service_at_locations_service", "service_id"),
        Index("service_at_locations_asset", "asset_key"),
        Index("service_at_locations_green_space", "green_space_key"),
        Index("service_at_locations_geom", "geom", postgresql_using="gist"),
    )

    id: Mapped[Slug]
    uuid: Mapped[Identifier]
    service_id: Mapped[ServiceId]
    asset_key: Mapped[int | None] = mapped_column(ForeignKey("register.assets.key", ondelete="CASCADE"))
    green_space_key: Mapped[int | None] = mapped_column(
        ForeignKey("register.green_spaces.key", ondelete="CASCADE")
    )
    place_name: Mapped[str | None]
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    geom: Mapped[WKBElement | None] = mapped_column(Geometry("POINT", GRID_SRID, spatial_index=False))
    geom_4326: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", 4326, spatial_index=False),
        Computed(f"ST_Transform(ST_SetSRID(geom, {FITTED_GRID_SRID}), 4326)", persisted=True),
    )
    whenever_open: Mapped[Flag]


class Schedule(Dated, Sourced, Base):
    """When a service is given, after RFC 5545, in London's time: on one day, or repeating."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index("schedules_service", "service_id"),
        Index("schedules_location", "service_at_location_id"),
    )

    id: Mapped[Slug]
    uuid: Mapped[Identifier]
    service_id: Mapped[ServiceId]
    service_at_location_id: Mapped[str | None] = mapped_column(
        ForeignKey("register.service_at_locations.id", onupdate="CASCADE", ondelete="CASCADE")
    )
    dtstart: Mapped[date | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    freq: Mapped[str | None]
    interval: Mapped[int] = mapped_column(server_default=text("1"))
    byday: Mapped[str | None]
    bymonthday: Mapped[str | None]
    bymonth: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    except_on: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default=text("'{}'"))
    opens_at: Mapped[time | None]
    closes_at: Mapped[time | None]
    description: Mapped[str | None]
    schedule_link: Mapped[str | None]
    attending_type: Mapped[str | None]


class CostOption(Dated, Sourced, Base):
    """What a service costs, in pounds; nothing here means not known, an amount of 0 means free."""

    __tablename__ = "cost_options"
    __table_args__ = (Index("cost_options_service", "service_id"),)

    id: Mapped[Slug]
    service_id: Mapped[ServiceId]
    option: Mapped[str | None]
    amount: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    amount_description: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class ServiceLanguage(Dated, Sourced, Base):
    """A language a service is given in."""

    __tablename__ = "service_languages"

    service_id: Mapped[ServiceKey]
    code: Mapped[Slug]
    name: Mapped[str]


class ServiceContact(Dated, Sourced, Base):
    """Whom to ring or write to about a service."""

    __tablename__ = "service_contacts"
    __table_args__ = (
        Index("service_contacts_service", "service_id"),
        Index("service_contacts_contact", "contact_id"),
    )

    id: Mapped[Slug]
    service_id: Mapped[ServiceId]
    contact_id: Mapped[str | None] = mapped_column(
        ForeignKey("register.contact_points.id", onupdate="CASCADE", ondelete="CASCADE")
    )
    name: Mapped[str | None]
    title: Mapped[str | None]
    phone: Mapped[str | None]
    phone_description: Mapped[str | None]
    email: Mapped[str | None]


class ServiceArea(Dated, Sourced, Base):
    """Where those live whom a service is for: an area of the register, the whole borough, or words alone."""

    __tablename__ = "service_areas"
    __table_args__ = (Index("service_areas_service", "service_id"),)

    id: Mapped[Slug]
    service_id: Mapped[ServiceId]
    area_key: Mapped[int | None] = mapped_column(ForeignKey("register.areas.key", ondelete="CASCADE"))
    name: Mapped[str]
    whole_borough: Mapped[Flag]


class ServiceTerm(Dated, Sourced, Base):
    """A term that describes a service."""

    __tablename__ = "service_terms"
    __table_args__ = (Index("service_terms_term", "term_id"),)

    service_id: Mapped[ServiceKey]
    term_id: Mapped[str] = mapped_column(
        ForeignKey("register.taxonomy_terms.id", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True
    )


class ExternalId(Base):
    """What a feed calls something the register holds, so that a person decides once what it is."""

    __tablename__ = "external_ids"

    feed: Mapped[str] = mapped_column(ForeignKey("register.sources.id"), primary_key=True)
    kind: Mapped[Slug]
    external_id: Mapped[Slug]
    id: Mapped[str]
