"""Open Referral UK: fills the register from another directory's feed (HSDS-UK 3.0).

Read the feed, match it with what is there already, ask a person where it is unsure, then write all of it or
nothing. The feed's own ids are remembered, so that the next import asks nothing and changes nothing twice.
"""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from shapely import Point

from mapservice.database.engines import Database
from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.open_referral import records
from mapservice.sources.open_referral.fetching import Progress, Unreadable, read_services
from mapservice.sources.open_referral.matching import NEW, Decide, Matcher, Question
from mapservice.sources.report import Report
from mapservice.sources.services import PROVENANCE, write_parts
from mapservice.sources.sessions import COLUMNS as SESSION_COLUMNS
from mapservice.sources.staging import Cursor, importing, stage, target, upsert
from mapservice.sources.tables import read_table

_TEXTS = ("id", "organisation_id", "name", "description", "url", "email", "status", "fees", "eligibility")
_SERVICES = target(
    "services",
    ["id"],
    {
        **dict.fromkeys((*_TEXTS, "how_to_get_it", "alert", "assurer_email", "as_of", "source_id"), "text"),
        **dict.fromkeys(("minimum_age", "maximum_age"), "double precision"),
        "confirmed_on": "date",
        "verified": "boolean",
    },
    {"external_uuid": "uuid"},
    {"uuid": "COALESCE(s.external_uuid, register.uuid_of('services', s.id))"},
)
_ORGANISATIONS = target(
    "organisations",
    ["id"],
    dict.fromkeys(("id", "name", "description", "email", "website", "source_id"), "text"),
    {"external_uuid": "uuid"},
    {"uuid": "COALESCE(s.external_uuid, register.uuid_of('organisations', s.id))"},
)
_PLACES = target(
    "service_at_locations",
    ["id"],
    {
        **dict.fromkeys(("id", "service_id", "place_name", "address", "postcode", "source_id"), "text"),
        "geom": "geometry(Point, 27700)",
    },
    {"asset": "text", "external_uuid": "uuid"},
    {
        "asset_key": "(SELECT key FROM register.assets f WHERE f.id = s.asset)",
        "uuid": "COALESCE(s.external_uuid, register.uuid_of('service_at_locations', s.id))",
    },
)
_PARTS = {
    "service_contacts": target(
        "service_contacts",
        ["id"],
        dict.fromkeys(
            ("id", "service_id", "name", "title", "phone", "phone_description", "email", "source_id"), "text"
        ),
    ),
    "cost_options": target(
        "cost_options",
        ["id"],
        {
            **dict.fromkeys(("id", "service_id", "option", "amount_description", "source_id"), "text"),
            "amount": "numeric(10, 2)",
            "valid_from": "date",
            "valid_to": "date",
        },
    ),
    "service_languages": target(
        "service_languages",
        ["service_id", "code"],
        {"service_id": "text", "code": "text", "name": "text", **PROVENANCE},
    ),
    "service_terms": target(
        "service_terms",
        ["service_id", "term_id"],
        {"service_id": "text", "term_id": "text", **PROVENANCE},
    ),
}
_DECISIONS = ("kind", "external_id", "decision")
_SHOWN = ("theirs", "candidates")


@dataclass
class _Plan:
    """What an import will write: rows by table."""

    taken: dict[str, set[str]]
    """Ids that nothing new may have, by kind: those of the register and of what is planned."""
    services: list[dict[str, Any]] = field(default_factory=list)
    organisations: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)
    taxonomies: dict[str, dict[str, Any]] = field(default_factory=dict)
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in _PARTS})


def import_feed(
    database: Database,
    where: str,
    actor: str,
    *,
    decide: Decide,
    progress: Progress,
    reason: str | None = None,
    private: bool = False,
    review: Path | None = None,
) -> Report:
    """Take a feed or a saved file in. Where a question stays open only `review` is written."""
    report = Report("open-referral", where)
    try:
        found = read_services(where, progress, private=private)
    except Unreadable as error:
        report.reject(None, "feed", "", str(error))
        return report
    feed = feed_id(where)
    with database.owner.connect() as connection:
        raw = connection.connection.driver_connection
        with raw.cursor() as cursor:  # type: ignore[union-attr]
            matcher = Matcher(cursor, feed, decide)
            plan = _plan(found, matcher, Context(cursor), feed, report)
    if matcher.open_questions:
        if review is not None:
            write_review(review, matcher.open_questions)
        hint = f"; see {review.name}, fill in its column decision and give it back" if review else ""
        for question in matcher.open_questions:
            best = question.candidates[0]
            report.reject(
                None, question.kind, question.theirs, f"may be {best.name} ({best.id}), or new{hint}"
            )
    if not report.ok:
        return report
    try:
        with importing(database, actor, reason or f"import of open-referral from {where}") as cursor:
            _write(cursor, plan, matcher, feed, where, report)
    except (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException) as error:
        report.reject(None, error.diag.constraint_name or "database", "", error.diag.message_primary or "")
    return report


def feed_id(where: str) -> str:
    """The id of the source that a feed is: from its host, or from the file's name."""
    parts = urlsplit(where)
    name = parts.hostname if parts.scheme in ("http", "https") else Path(where).stem
    return f"feed-{checks.slug_of((name or '').replace('.', ' ')) or 'unnamed'}"


def write_review(path: Path, questions: list[Question]) -> None:
    """The open questions as a file to fill in: `decision` is a candidate's id, or new."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*_DECISIONS, *_SHOWN))
        for question in questions:
            candidates = "; ".join(
                f"{each.id}: {each.name}{each.distance_words}" for each in question.candidates
            )
            writer.writerow((question.kind, question.external_id, "", question.theirs, candidates))


def read_decisions(path: Path, report: Report) -> dict[tuple[str, str], str]:
    """What a person filled in: (kind, the feed's id) to a candidate's id or new; empty ones stay open."""
    table = read_table(path, report, _DECISIONS, _SHOWN)
    return {
        (row.cells["kind"], row.cells["external_id"]): row.cells["decision"]
        for row in table.rows
        if row.cells["decision"]
    }


def _plan(
    found: list[dict[str, Any]], matcher: Matcher, context: Context, feed: str, report: Report
) -> _Plan:
    plan = _Plan({"service": {*context.services}, "organisation": {*context.organisations}})
    seen: dict[str, int] = {}
    kept = {
        row[0]
        for row in context.cursor.execute("SELECT id FROM register.services WHERE source_id <> %s", (feed,))
    }
    for number, record in enumerate(found, 1):
        reader = records.Reader(number, record, report)
        external = reader.take(record, "id", records.identifier, required=True)
        name = reader.take(record, "name", checks.text, required=True)
        if external is None or name is None:
            continue
        if seen.setdefault(external, number) != number:
            reader.refuse("id", external, f"is in this feed twice, first as service {seen[external]}")
            continue
        organisation = _organisation(reader, matcher, plan, feed)
        if organisation is None:
            continue
        known = matcher.service(external, name, organisation)
        if ("service", external) not in matcher.links:
            continue
        if known in kept:
            report.warnings.append(f"service {number} ({name}) is in the register already and stays as it is")
            continue
        service_id = known or _free_id(plan.taken["service"], name, external)
        matcher.links[("service", external)] = service_id
        plan.services.append(records.service(reader, service_id, organisation, feed))
        _belongings(reader, matcher, context, plan, service_id, feed)
    return plan


def _organisation(reader: records.Reader, matcher: Matcher, plan: _Plan, feed: str) -> str | None:
    given = reader.record.get("organization")
    if not isinstance(given, dict):
        reader.refuse("organization", "", "must be there")
        return None
    external = reader.take(given, "id", records.identifier, required=True)
    name = reader.take(given, "name", checks.text, required=True)
    if external is None or name is None:
        return None
    website = reader.take(given, "website", checks.url)
    known = matcher.organisation(external, name, website)
    if ("organisation", external) not in matcher.links:
        return None
    if known is not None:
        return known
    organisation = _free_id(plan.taken["organisation"], name, external)
    matcher.links[("organisation", external)] = organisation
    plan.organisations[organisation] = {
        "id": organisation,
        "external_uuid": records.as_uuid(external),
        "name": name,
        "description": reader.take(given, "description", records.long_text),
        "email": reader.take(given, "email", checks.email),
        "website": website,
        "source_id": feed,
    }
    return organisation


def _free_id(taken: set[str], name: str, external: str) -> str:
    """An id for something new, which nothing else has; with a part of the feed's own id where need be."""
    # Shortened, so that what tells it apart is never cut off.
    wanted = (records.slug(name), records.slug(name[:50], external[:40]))
    counted = (records.slug(name[:50], str(number)) for number in itertools.count(2))
    found = next(each for each in itertools.chain(wanted, counted) if each not in taken)
    taken.add(found)
    return found


def _belongings(
    reader: records.Reader, matcher: Matcher, context: Context, plan: _Plan, service_id: str, feed: str
) -> None:
    record = reader.record
    placed: dict[str, str] = {}
    for given in records.rows_of(record, "service_at_locations"):
        place = _place(reader, given, matcher, context, service_id, feed)
        if place is not None:
            plan.places.append(place)
            placed[str(given.get("id", ""))] = place["id"]
            for each in records.rows_of(given, "schedules"):
                _schedule(reader, each, plan, service_id, place["id"], feed)
    for each in records.rows_of(record, "schedules"):
        at = placed.get(str(each.get("service_at_location_id", "")))
        _schedule(reader, each, plan, service_id, at, feed)
    plan.parts["service_contacts"] += records.contacts(reader, service_id, feed)
    plan.parts["cost_options"] += [
        records.cost(reader, each, service_id, feed) for each in records.rows_of(record, "cost_options")
    ]
    for each in records.rows_of(record, "languages"):
        code = str(each.get("code") or "").lower()
        language = reader.take(each, "name", checks.text)
        if language and code.isascii() and code.isalpha() and len(code) in (2, 3):
            row = {"service_id": service_id, "code": code, "name": language, "source_id": feed}
            plan.parts["service_languages"].append(row)
    for each in records.rows_of(record, "attributes"):
        term = each.get("taxonomy_term")
        found = _term(reader, term, matcher, context, plan, feed) if isinstance(term, dict) else None
        if found is not None:
            row = {"service_id": service_id, "term_id": found, "source_id": feed}
            if row not in plan.parts["service_terms"]:
                plan.parts["service_terms"].append(row)


def _schedule(
    reader: records.Reader, given: dict[str, Any], plan: _Plan, service_id: str, at: str | None, feed: str
) -> None:
    row = records.schedule(reader, given, service_id, at, feed)
    if row is not None and all(row["id"] != other["id"] for other in plan.schedules):
        plan.schedules.append(row)


def _place(
    reader: records.Reader,
    given: dict[str, Any],
    matcher: Matcher,
    context: Context,
    service_id: str,
    feed: str,
) -> dict[str, Any] | None:
    location = given.get("location")
    external = given.get("location_id") or (location or {}).get("id")
    if not isinstance(location, dict) or not isinstance(external, str):
        return None
    address = next(iter(records.rows_of(location, "addresses")), {})
    postcode = reader.take(address, "postal_code", checks.postcode)
    street = reader.take(address, "address_1", checks.text)
    name = reader.take(location, "name", checks.text) or street
    if name is None:
        return None
    point = records.position(location)
    known = matcher.location(external, name, postcode, point)
    if ("location", external) not in matcher.links:
        return None
    west, south, east, north = context.bounds
    if point and not (west <= point[0] <= east and south <= point[1] <= north):
        reader.report.warnings.append(f"service {reader.number}: {name} lies outside the borough")
        point = None
    own = known is None
    return {
        "id": records.slug(service_id, str(given.get("id") or external)),
        "external_uuid": records.as_uuid(str(given.get("id", ""))),
        "service_id": service_id,
        "asset": known,
        "place_name": name if own else None,
        "address": street if own else None,
        "postcode": postcode if own else None,
        "geom": Point(*point) if own and point else None,
        "source_id": feed,
    }


def _term(
    reader: records.Reader,
    given: dict[str, Any],
    matcher: Matcher,
    context: Context,
    plan: _Plan,
    feed: str,
) -> str | None:
    name = reader.take(given, "name", checks.text)
    if name is None:
        return None
    external = records.as_uuid(str(given.get("id", "")))
    row = context.cursor.execute(
        "SELECT id FROM register.taxonomy_terms WHERE uuid::text = %s", (external,)
    ).fetchone()
    if row:
        return str(row[0])
    vocabulary = reader.take(given, "taxonomy", checks.text) or "Terms"
    taxonomy = records.slug(feed, vocabulary)
    plan.taxonomies[taxonomy] = {
        "id": taxonomy, "name": vocabulary, "description": vocabulary, "source_id": feed,
    }  # fmt: skip
    term = records.slug(taxonomy, name)
    plan.terms[term] = {
        "id": term,
        "external_uuid": external,
        "taxonomy_id": taxonomy,
        "name": name,
        "description": reader.take(given, "description", checks.text) or name,
        "source_id": feed,
    }
    return term


def _write(cursor: Cursor, plan: _Plan, matcher: Matcher, feed: str, where: str, report: Report) -> None:
    cursor.execute(
        "INSERT INTO register.sources (id, title, publisher, licence, method) VALUES (%s, %s, %s,"
        " 'Not stated', 'Imported as HSDS-UK 3.0') ON CONFLICT (id) DO NOTHING",
        (feed, f"Open Referral feed {where}"[:300], urlsplit(where).hostname or Path(where).name),
    )
    if not plan.services:
        _remember(cursor, matcher, feed)
        return
    texts = dict.fromkeys(("id", "name", "description", "source_id"), "text")
    given = {"external_uuid": "uuid"}
    vocabulary = (
        (target("taxonomies", ["id"], texts), plan.taxonomies),
        (
            target(
                "taxonomy_terms",
                ["id"],
                {**texts, "taxonomy_id": "text"},
                given,
                {"uuid": "COALESCE(s.external_uuid, register.uuid_of('taxonomy_terms', s.id))"},
            ),
            plan.terms,
        ),
        (_ORGANISATIONS, plan.organisations),
    )
    for into, rows in vocabulary:
        if rows:
            upsert(cursor, into, rows.values(), _part(report, into.table))
    upsert(cursor, _SERVICES, plan.services, report)
    for into, belongings in (
        (_PLACES, plan.places),
        (target("schedules", ["id"], SESSION_COLUMNS), plan.schedules),
        *((_PARTS[name], rows) for name, rows in plan.parts.items()),
    ):
        write_parts(cursor, into, plan.services, belongings, _part(report, into.table))
    _remember(cursor, matcher, feed)


def _part(report: Report, table: str) -> Report:
    part = Report(table.replace("_", " "))
    report.parts.append(part)
    return part


def _remember(cursor: Cursor, matcher: Matcher, feed: str) -> None:
    staged = stage(
        cursor,
        dict.fromkeys(("feed", "kind", "external_id", "id"), "text"),
        ((feed, kind, external_id, found) for (kind, external_id), found in matcher.links.items()),
    )
    cursor.execute(
        sql.SQL(
            "INSERT INTO register.external_ids (feed, kind, external_id, id)"
            " SELECT feed, kind, external_id, id FROM {} ON CONFLICT (feed, kind, external_id)"
            " DO UPDATE SET id = EXCLUDED.id WHERE external_ids.id <> EXCLUDED.id"
        ).format(staged)
    )


__all__ = ["NEW", "Question", "feed_id", "import_feed", "read_decisions", "write_review"]
