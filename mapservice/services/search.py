"""What the directory's lists can be asked for, as conditions: values are bound, never spliced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from psycopg import Cursor

from mapservice.register.postcodes import possible_postcodes
from mapservice.services.hsds import MODIFIED, SEEN_SESSION, Wanted

MOST_WORDS = 8
_SEARCHED = {
    "services": "concat_ws(' ', v.name, v.description, o.name)",
    "service_at_locations": "concat_ws(' ', v.name, v.description, o.name, p.name)",
    "taxonomies": "concat_ws(' ', x.name, x.description)",
    "taxonomy_terms": "concat_ws(' ', t.name, t.description, x.name)",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of one request; None means not asked for. Ids are UUIDs or readable ids."""

    search: str | None = None
    taxonomy_term_id: str | None = None
    taxonomy_id: str | None = None
    organization_id: str | None = None
    minimum_age: float | None = None
    maximum_age: float | None = None
    start_time: time | None = None
    end_time: time | None = None
    day: str | None = None
    postcode: str | None = None
    proximity: float | None = None
    modified_after: datetime | None = None

    def at(self, postcode: str) -> Asked:
        """The same, with the postcode as the register writes it."""
        return replace(self, postcode=postcode)


def fill(wanted: Wanted, kind: str, asked: Asked) -> None:
    """Add the conditions for what is asked."""
    values = wanted.values
    conditions = wanted.conditions
    if asked.search:
        words = asked.search.split()[:MOST_WORDS]
        values["words"] = [f"%{_literally(word)}%" for word in words]
        conditions.append(
            f"unaccent({_SEARCHED[kind]}) ILIKE ALL"
            " (ARRAY(SELECT unaccent(word) FROM unnest(%(words)s::text[]) word))"
        )
    if kind == "taxonomy_terms":
        if asked.taxonomy_id is not None:
            values["taxonomy"] = asked.taxonomy_id
            conditions.append("%(taxonomy)s IN (x.id, x.uuid::text)")
        return
    _described(conditions, values, asked)
    if asked.minimum_age is not None:
        values["minimum_age"] = asked.minimum_age
        conditions.append("v.minimum_age >= %(minimum_age)s")
    if asked.maximum_age is not None:
        values["maximum_age"] = asked.maximum_age
        conditions.append("v.maximum_age <= %(maximum_age)s")
    if asked.modified_after is not None:
        values["modified_after"] = asked.modified_after
        conditions.append(f"{MODIFIED} >= %(modified_after)s")
    _timed(conditions, values, asked, kind)
    if asked.postcode is not None:
        _near(conditions, values, asked)


def _described(conditions: list[str], values: dict[str, Any], asked: Asked) -> None:
    member = (
        "EXISTS (SELECT FROM register.service_terms m JOIN register.taxonomy_terms t ON t.id = m.term_id"
        " JOIN register.taxonomies x ON x.id = t.taxonomy_id WHERE m.service_id = v.id AND {})"
    )
    if asked.taxonomy_term_id is not None:
        values["term"] = asked.taxonomy_term_id
        conditions.append(member.format("%(term)s IN (t.id, t.uuid::text)"))
    if asked.taxonomy_id is not None:
        values["taxonomy"] = asked.taxonomy_id
        conditions.append(member.format("%(taxonomy)s IN (x.id, x.uuid::text)"))
    if asked.organization_id is not None:
        values["organisation"] = asked.organization_id
        conditions.append("%(organisation)s IN (o.id, o.uuid::text)")


def _timed(conditions: list[str], values: dict[str, Any], asked: Asked, kind: str) -> None:
    """One session has to fit all that is asked of times; one on a single day counts for its weekday."""
    parts = []
    if asked.day is not None:
        values["day"] = asked.day
        parts.append(
            "(s.byday LIKE '%%' || %(day)s || '%%' OR (s.byday IS NULL AND s.bymonthday IS NULL AND"
            " left(upper(to_char(s.dtstart, 'DY')), 2) = %(day)s))"
        )
    if asked.start_time is not None:
        values["start_time"] = asked.start_time
        parts.append("s.opens_at >= %(start_time)s")
    if asked.end_time is not None:
        values["end_time"] = asked.end_time
        parts.append("s.closes_at <= %(end_time)s")
    if not parts:
        return
    fits = " AND ".join(parts)
    if kind == "services":
        conditions.append(
            "v.id = ANY (ARRAY(SELECT s.service_id FROM register.sessions s"
            f" WHERE {fits} AND {SEEN_SESSION}))"
        )
    else:
        # As an array, which is worked out once and not for each row.
        conditions.append(
            "l.id = ANY (ARRAY(SELECT x.id FROM register.sessions s"
            " JOIN register.service_at_locations x ON x.service_id = s.service_id"
            f" AND COALESCE(s.service_at_location_id, x.id) = x.id WHERE {fits}))"
        )


def _near(conditions: list[str], values: dict[str, Any], asked: Asked) -> None:
    values["postcode"] = asked.postcode
    here = "(SELECT z.geom FROM register.postcodes z WHERE z.postcode = %(postcode)s)"
    if asked.proximity is not None:
        values["proximity"] = asked.proximity
        conditions.append(f"ST_DWithin(p.geom, {here}, %(proximity)s)")
        return
    conditions.append(
        "(NOT EXISTS (SELECT FROM register.service_areas r WHERE r.service_id = v.id)"
        " OR EXISTS (SELECT FROM register.service_areas r JOIN register.areas a"
        "            ON a.key = r.area_key OR (r.whole_borough AND a.boundary_set_id = 'localities')"
        f"            WHERE r.service_id = v.id AND ST_Covers(a.geom, {here})))"
    )


def known_postcode(cursor: Cursor[Any], typed: str) -> str | None:
    """The postcode of the register that somebody typed, or None."""
    found = cursor.execute(
        "SELECT postcode FROM register.postcodes WHERE postcode = ANY (%(typed)s)"
        " ORDER BY array_position(%(typed)s, postcode) LIMIT 1",
        {"typed": list(possible_postcodes(typed))},
    ).fetchone()
    return found[0] if found else None


def _literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
