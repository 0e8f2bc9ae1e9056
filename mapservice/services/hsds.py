"""The directory as HSDS-UK 3.0 (Open Referral UK): one statement an answer, its JSON built by PostgreSQL.

List items carry what there is one of; a single service or place of one carries all. What is not known is left
out. Demonstration records and what is not public are never in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERSION = "HSDS-UK-3.0"
PROFILE = "https://openreferraluk.org/specifications/3.0/"
# The counted relations that answers are made of.
RELATIONS = (
    *(
        f"register.{table}"
        for table in (
            "organisations", "taxonomies", "taxonomy_terms", "services", "service_at_locations", "schedules",
            "cost_options", "service_languages", "service_contacts", "service_areas", "service_terms",
            "contact_points", "postcodes",
        )
    ),
    "layers.areas",
    "layers.assets",
    "layers.green_spaces",
)  # fmt: skip

_PUBLIC = "v.visibility = 'public' AND NOT v.demonstration"
_PUBLIC_PLACE = "p.visibility = 'public' AND NOT p.demonstration"
# A session s is nobody's to see while its place is not.
SEEN_SESSION = f"""(s.service_at_location_id IS NULL OR EXISTS (
    SELECT FROM register.service_places p WHERE p.id = s.service_at_location_id AND {_PUBLIC_PLACE}))"""
_MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

_ORGANISATION = (
    "json_build_object('id', o.uuid, 'name', o.name, 'description', COALESCE(o.description, o.name),"
    " 'email', o.email, 'website', o.website)"
)
MODIFIED = """greatest(v.updated_at, o.updated_at,
    (SELECT max(x.updated_at) FROM register.service_at_locations x WHERE x.service_id = v.id),
    (SELECT max(x.updated_at) FROM register.schedules x WHERE x.service_id = v.id),
    (SELECT max(x.updated_at) FROM register.cost_options x WHERE x.service_id = v.id),
    (SELECT max(x.updated_at) FROM register.service_contacts x WHERE x.service_id = v.id),
    (SELECT max(x.updated_at) FROM register.service_terms x WHERE x.service_id = v.id))"""
_SERVICE_FIELDS = f"""
    'id', v.uuid, 'organization_id', o.uuid, 'name', v.name, 'description', v.description, 'url', v.url,
    'email', v.email, 'status', v.status, 'fees', v.fees, 'eligibility_description', v.eligibility,
    'application_process', v.how_to_get_it, 'minimum_age', v.minimum_age, 'maximum_age', v.maximum_age,
    'assured_date', v.confirmed_on, 'assurer_email', v.assurer_email, 'alert', v.alert,
    'last_modified', {_MOMENT.format(MODIFIED)}, 'organization', {_ORGANISATION}"""
_LOCATION_FIELDS = """
    'id', p.uuid, 'location_type', 'physical', 'name', p.name, 'description', p.description,
    'latitude', round(ST_Y(p.geom_4326)::numeric, 6), 'longitude', round(ST_X(p.geom_4326)::numeric, 6),
    'external_identifier', p.uprn, 'external_identifier_type', CASE WHEN p.uprn IS NOT NULL THEN 'UPRN' END"""
_TERM = (
    "json_build_object('id', t.uuid, 'name', t.name, 'description', t.description, 'parent_id', parent.uuid,"
    " 'taxonomy', x.name, 'taxonomy_id', x.uuid, 'term_uri', t.term_uri)"
)
_TERMS = """register.taxonomy_terms t JOIN register.taxonomies x ON x.id = t.taxonomy_id
    LEFT JOIN register.taxonomy_terms parent ON parent.id = t.parent_id"""
_SCHEDULE = """json_build_object(
    'id', s.uuid, 'service_id', v.uuid, 'service_at_location_id', l.uuid, 'valid_from', s.valid_from,
    'valid_to', s.valid_to, 'dtstart', s.dtstart, 'freq', s.freq,
    'interval', CASE WHEN s.freq IS NOT NULL THEN s.interval END, 'byday', s.byday,
    'bymonthday', s.bymonthday, 'opens_at', to_char(s.opens_at, 'HH24:MI'),
    'closes_at', to_char(s.closes_at, 'HH24:MI'),
    'description', NULLIF(register.schedule_words(s.freq, s.interval, s.byday, s.bymonthday, s.bymonth,
        s.dtstart, s.valid_from, s.valid_to, s.opens_at, s.closes_at, s.description), ''),
    'schedule_link', s.schedule_link, 'attending_type', s.attending_type)"""
# An address has to be whole to be one; a place without one is found by its coordinates.
_LOCATION = f"""json_build_object({_LOCATION_FIELDS},
    'addresses', CASE WHEN p.address IS NOT NULL AND p.postcode IS NOT NULL THEN json_build_array(
        json_build_object('id', register.uuid_of('addresses', p.uuid::text), 'location_id', p.uuid,
            'address_1', p.address, 'city', %(city)s::text, 'state_province', %(province)s::text,
            'postal_code', p.postcode, 'country', 'GB', 'address_type', 'physical')) END,
    'accessibility', CASE WHEN p.step_free IN ('yes', 'no') THEN json_build_array(json_build_object(
        'id', register.uuid_of('step-free', p.uuid::text), 'location_id', p.uuid,
        'description', CASE p.step_free WHEN 'yes' THEN 'Step-free way in' ELSE 'Steps' END)) END)"""
_SERVICE = f"""json_build_object({_SERVICE_FIELDS},
    'schedules', (SELECT json_agg({_SCHEDULE} ORDER BY s.id) FROM register.sessions s
        LEFT JOIN register.service_at_locations l ON l.id = s.service_at_location_id
        WHERE s.service_id = v.id AND {SEEN_SESSION}),
    'service_areas', (SELECT json_agg(json_build_object('id', register.uuid_of('service_areas', r.id),
        'service_id', v.uuid, 'name', r.name, 'service_area', r.name) ORDER BY r.id)
        FROM register.service_areas r WHERE r.service_id = v.id),
    'service_at_locations', (SELECT json_agg(json_build_object('id', l.uuid, 'service_id', v.uuid,
        'location_id', p.uuid, 'location', {_LOCATION}) ORDER BY l.id)
        FROM register.service_at_locations l JOIN register.service_places p ON p.id = l.id
        WHERE l.service_id = v.id AND {_PUBLIC_PLACE}),
    'languages', (SELECT json_agg(json_build_object('service_id', v.uuid, 'name', g.name, 'code', g.code,
        'id', register.uuid_of('languages', v.id || '/' || g.code)) ORDER BY g.code)
        FROM register.service_languages g WHERE g.service_id = v.id),
    'cost_options', (SELECT json_agg(json_build_object('id', register.uuid_of('cost_options', c.id),
        'service_id', v.uuid, 'option', c.option, 'amount', c.amount,
        'currency', CASE WHEN c.amount IS NOT NULL THEN 'GBP' END, 'valid_from', c.valid_from,
        'valid_to', c.valid_to, 'amount_description', c.amount_description) ORDER BY c.id)
        FROM register.cost_options c WHERE c.service_id = v.id),
    'contacts', (SELECT json_agg(json_build_object('id', register.uuid_of('contacts', n.id),
        'service_id', v.uuid, 'name', n.name, 'title', n.title, 'email', n.email,
        'phones', CASE WHEN n.phone IS NOT NULL THEN json_build_array(json_build_object(
            'id', register.uuid_of('phones', n.id), 'contact_id', register.uuid_of('contacts', n.id),
            'number', n.phone, 'description', n.phone_description)) END) ORDER BY n.rank, n.id)
        FROM register.service_lines n WHERE n.service_id = v.id),
    'attributes', (SELECT json_agg(json_build_object(
        'id', register.uuid_of('attributes', v.id || '/' || t.id), 'link_id', v.uuid,
        'taxonomy_term_id', t.uuid, 'taxonomy_term', {_TERM}) ORDER BY t.id)
        FROM register.service_terms m JOIN {_TERMS} ON t.id = m.term_id WHERE m.service_id = v.id))"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing the directory lists: rows, how one is shown in a list and alone, and their order."""

    rows: str
    key: str
    order: str
    item: str
    whole: str
    conditions: tuple[str, ...] = ()


_SERVICES = "register.services v JOIN register.organisations o ON o.id = v.organisation_id"
_PLACED = """register.service_at_locations l JOIN register.service_places p ON p.id = l.id
    JOIN register.services v ON v.id = l.service_id
    JOIN register.organisations o ON o.id = v.organisation_id"""
_AT = "'id', l.uuid, 'service_id', v.uuid, 'location_id', p.uuid"
_TAXONOMY = "'id', x.uuid, 'name', x.name, 'description', x.description, 'uri', x.uri, 'version', x.version"

KINDS = {
    "services": Kind(
        _SERVICES, "v", "v.name, v.id", f"json_build_object({_SERVICE_FIELDS})", _SERVICE, (_PUBLIC,)
    ),
    "service_at_locations": Kind(
        _PLACED,
        "l",
        "v.name, p.name, l.id",
        f"json_build_object({_AT}, 'location', json_build_object({_LOCATION_FIELDS}),"
        f" 'service', json_build_object({_SERVICE_FIELDS}))",
        f"json_build_object({_AT}, 'location', {_LOCATION}, 'service', {_SERVICE})",
        (_PUBLIC, _PUBLIC_PLACE),
    ),
    "taxonomies": Kind(
        "register.taxonomies x",
        "x",
        "x.name, x.id",
        f"json_build_object({_TAXONOMY})",
        f"json_build_object({_TAXONOMY}, 'taxonomy_terms',"
        " (SELECT json_agg(json_build_object('id', t.uuid, 'name', t.name, 'description', t.description,"
        " 'parent_id', parent.uuid, 'taxonomy', x.name, 'taxonomy_id', x.uuid, 'term_uri', t.term_uri)"
        " ORDER BY t.name, t.id) FROM register.taxonomy_terms t"
        " LEFT JOIN register.taxonomy_terms parent ON parent.id = t.parent_id WHERE t.taxonomy_id = x.id))",
    ),
    "taxonomy_terms": Kind(_TERMS, "t", "t.name, t.id", _TERM, _TERM),
}


@dataclass(slots=True)
class Wanted:
    """What a list is asked for: conditions on its rows with their bound values, and which page."""

    page: int = 1
    per_page: int = 50
    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


def page_statement(kind: Kind, wanted: Wanted) -> str:
    """One page of a list, as the text of the page object; takes `wanted.values`, city and province."""
    where = " AND ".join((*kind.conditions, *wanted.conditions)) or "true"
    return f"""
        WITH wanted AS MATERIALIZED (
            SELECT {kind.key}.id, row_number() OVER (ORDER BY {kind.order}) AS n
            FROM {kind.rows} WHERE {where}
        ), totals AS (
            SELECT count(*) AS items, ceil(count(*)::numeric / %(per_page)s)::bigint AS pages FROM wanted
        ), listed AS (
            SELECT COALESCE(json_agg(json_strip_nulls({kind.item}) ORDER BY wanted.n), '[]') AS contents
            FROM {kind.rows} JOIN wanted ON wanted.id = {kind.key}.id
            WHERE wanted.n > %(skip)s AND wanted.n <= %(skip)s + %(per_page)s
        )
        SELECT json_build_object('total_items', items, 'total_pages', pages, 'page_number', %(page)s::bigint,
            'size', json_array_length(contents), 'first_page', %(page)s::bigint = 1,
            'last_page', %(page)s::bigint >= pages, 'empty', json_array_length(contents) = 0,
            'contents', contents)::text
        FROM totals, listed
    """


def one_statement(kind: Kind) -> str:
    """One thing whole, by UUID or by readable id."""
    where = " AND ".join((*kind.conditions, f"({kind.key}.uuid = %(uuid)s OR {kind.key}.id = %(id)s)"))
    return f"SELECT json_strip_nulls({kind.whole})::text FROM {kind.rows} WHERE {where}"
