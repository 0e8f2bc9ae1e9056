"""`services.csv`: what organisations offer, to whom and for how much, and whom to ring about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from psycopg import sql

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, Target, remove_missing, stage, target, upsert
from mapservice.sources.tables import read_table, refuse_repeated

REQUIRED = ("id", "name", "organisation", "source", "verified")
OPTIONAL = (
    "kind",
    "description",
    "url",
    "email",
    "status",
    "fees",
    "eligibility",
    "minimum_age",
    "maximum_age",
    "how_to_get_it",
    "alert",
    "assurer_email",
    "terms",
    "languages",
    "contacts",
    "area",
    "visibility",
    "confirmed_on",
    "as_of",
    "demonstration",
    "note",
)
KINDS = ("service", "activity", "event", "volunteering", "outreach")
STATUSES = ("active", "inactive", "defunct", "temporarily closed")
WHOLE_BOROUGH = "borough"
_TYPES = {
    "minimum_age": "double precision",
    "maximum_age": "double precision",
    "verified": "boolean",
    "demonstration": "boolean",
    "confirmed_on": "date",
}
_NAMES = {"organisation": "organisation_id", "source": "source_id"}
_DEFAULTS = {"kind": "service", "status": "active", "visibility": "public", "demonstration": False}
PROVENANCE = {"source_id": "text", "as_of": "text", "confirmed_on": "date"}


def _age(value: str) -> float:
    years = checks.number(value)
    if not 0 <= years <= 130:
        raise checks.Refused("is not an age in years")
    return years


def language(value: str) -> tuple[str, str]:
    """A language as its code and name: `so=Somali`."""
    code, equals, name = (part.strip() for part in value.partition("="))
    if not (code.isascii() and code.isalpha() and code.islower() and 2 <= len(code) <= 3 and equals and name):
        raise checks.Refused("must be a language's code and name, such as so=Somali")
    return code, name


def _languages(value: str) -> list[tuple[str, str]]:
    return [language(part) for part in value.split(";") if part.strip()]


def _checks(context: Context) -> dict[str, Callable[[str], Any]]:
    return {
        "id": checks.slug,
        "organisation": checks.one_of(context.organisations, "organisation"),
        "source": checks.one_of(context.sources, "source"),
        "kind": checks.one_of(KINDS),
        "status": checks.one_of(STATUSES),
        "url": checks.url,
        "email": checks.email,
        "assurer_email": checks.email,
        "minimum_age": _age,
        "maximum_age": _age,
        "terms": checks.some_of(context.terms, "term"),
        "contacts": checks.some_of(context.contacts, "contact"),
        "area": checks.one_of((*context.localities, WHOLE_BOROUGH), "locality"),
        "languages": _languages,
        "visibility": checks.one_of(("public", "network", "council")),
        "confirmed_on": checks.iso_date,
        "verified": checks.yes_no,
        "demonstration": checks.yes_no,
    }


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    check = _checks(context)
    records = []
    for row in table.rows:
        record: dict[str, Any] = {
            _NAMES.get(column, column): row.take(
                column, check.get(column, checks.text), required=column in REQUIRED
            )
            for column in table.columns
        }
        for column, value in _DEFAULTS.items():
            if column in record and record[column] is None:
                record[column] = value
        least, most = record.get("minimum_age"), record.get("maximum_age")
        if least is not None and most is not None and most < least:
            row.refuse("maximum_age", "is less than the minimum")
        records.append(record)
    return records


# column: the table it fills, the key of a row there, how a value becomes columns
_PARTS: dict[str, tuple[Target, Callable[[dict[str, Any], Any], dict[str, object]]]] = {
    "terms": (
        target(
            "service_terms",
            ["service_id", "term_id"],
            {"service_id": "text", "term_id": "text", **PROVENANCE},
        ),
        lambda record, term: {"term_id": term},
    ),
    "languages": (
        target(
            "service_languages",
            ["service_id", "code"],
            {"service_id": "text", "code": "text", "name": "text", **PROVENANCE},
        ),
        lambda record, spoken: {"code": spoken[0], "name": spoken[1]},
    ),
    "contacts": (
        target(
            "service_contacts",
            ["id"],
            {"id": "text", "service_id": "text", "contact_id": "text", **PROVENANCE},
        ),
        lambda record, contact: {"id": f"{record['id']}-{contact}", "contact_id": contact},
    ),
    "area": (
        target(
            "service_areas",
            ["id"],
            {"id": "text", "service_id": "text", "whole_borough": "boolean", **PROVENANCE},
            {"area": "text"},
            {
                "area_key": "(SELECT key FROM register.areas a WHERE a.id = s.area"
                " AND a.boundary_set_id = 'localities')",
                "name": "COALESCE((SELECT name FROM register.areas a WHERE a.id = s.area"
                " AND a.boundary_set_id = 'localities'), (SELECT name FROM register.borough))",
            },
        ),
        lambda record, area: {
            "id": f"{record['id']}-{area}",
            "area": area,
            "whole_borough": area == WHOLE_BOROUGH,
        },
    ),
}


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records; what a row no longer names (terms, languages, contacts, area) goes."""
    plain = [column for column in records[0] if column not in _PARTS]
    into = target("services", ["id"], {column: _TYPES.get(column, "text") for column in plain})
    staged = upsert(cursor, into, records, report)
    if replace:
        remove_missing(cursor, "services", ["id"], staged, report)
    for column, (part, columns) in _PARTS.items():
        if column in records[0]:
            counted = Report(f"{column} of services")
            report.parts.append(counted)
            write_parts(cursor, part, records, list(_split(records, column, columns)), counted)


def write_parts(
    cursor: Cursor,
    part: Target,
    records: Iterable[dict[str, Any]],
    rows: list[dict[str, object]],
    report: Report,
) -> None:
    """Make `rows` the whole of what a table holds for the services of `records`."""
    staged = upsert(cursor, part, rows, report)
    services = stage(cursor, {"id": "text"}, ([record["id"]] for record in records))
    of_these = sql.SQL("t.service_id IN (SELECT id FROM {})").format(services).as_string(cursor)
    remove_missing(cursor, part.table, part.key, staged, report, of_these)


def _split(
    records: list[dict[str, Any]], column: str, columns: Callable[[dict[str, Any], Any], dict[str, object]]
) -> Iterator[dict[str, object]]:
    for record in records:
        values = record[column] or []
        for value in values if isinstance(values, list) else [values]:
            yield {
                "service_id": record["id"],
                **{name: record.get(name) for name in PROVENANCE},
                **columns(record, value),
            }
