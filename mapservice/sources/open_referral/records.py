"""A feed's services as rows of the register: checked field by field, nothing made up for what is missing."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from mapservice.sources import checks, sessions
from mapservice.sources.context import to_grid
from mapservice.sources.report import Report
from mapservice.sources.services import STATUSES

LONGEST_TEXT = 20_000
T = TypeVar("T")
Row = dict[str, Any]


class Reader:
    """Reads the fields of one service: what is required refuses the import, the rest is left out."""

    def __init__(self, number: int, record: Row, report: Report) -> None:
        self.number = number
        self.record = record
        self.report = report

    def refuse(self, field: str, value: object, reason: str) -> None:
        self.report.reject(None, f"service {self.number}, {field}", value, reason)

    def take(self, source: Row, field: str, check: Callable[[str], T], *, required: bool = False) -> T | None:
        """The checked value of a field that may be text or a number."""
        value = source.get(field)
        words = value if isinstance(value, str) else ("" if value is None else str(value))
        if not words.strip():
            if required:
                self.refuse(field, "", "must be there")
            return None
        try:
            return check(words.strip())
        except checks.Refused as error:
            if required:
                self.refuse(field, words, str(error))
            else:
                name = str(self.record.get("name", ""))[:60]
                self.report.warnings.append(
                    f'service {self.number} ({name}): {field} "{words[:60]}" {error}; left out'
                )
            return None


def long_text(value: str) -> str:
    """Text of some length on one line, without tags."""
    plain = re.sub(r"<[^<>]{0,500}>", " ", value[:LONGEST_TEXT])
    return " ".join(checks.text(plain[start : start + 4000]) for start in range(0, len(plain), 4000)).strip()


def identifier(value: str) -> str:
    """A feed's id, as it is."""
    if len(value) > 200 or not value.isprintable():
        raise checks.Refused("is no identifier")
    return value


def as_uuid(value: str) -> str | None:
    """The id as a UUID, where it is one."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return None


def slug(*parts: str) -> str:
    """A readable id from names and ids."""
    return checks.slug_of(" ".join(parts))[:100].strip("-") or "unnamed"


def a_past_day(value: str) -> date:
    """The day of a date or an instant that is not to come."""
    day = sessions.a_day(value[:10])
    if day > date.today():
        raise checks.Refused("lies in the future")
    return day


def _age(value: str) -> float:
    years = checks.number(value)
    if not 0 <= years <= 130:
        raise checks.Refused("is not an age in years")
    return years


def _amount(value: str) -> float:
    amount = checks.number(value)
    if not 0 <= amount < 1e8:
        raise checks.Refused("is not an amount of pounds")
    return round(amount, 2)


def service(reader: Reader, service_id: str, organisation_id: str, feed: str) -> Row:
    """The service's own columns."""
    record, take = reader.record, reader.take
    row: Row = {
        "id": service_id,
        "external_uuid": as_uuid(str(record.get("id", ""))),
        "organisation_id": organisation_id,
        "name": take(record, "name", checks.text, required=True),
        "description": take(record, "description", long_text),
        "url": take(record, "url", checks.url),
        "email": take(record, "email", checks.email),
        "status": take(record, "status", checks.one_of(STATUSES, "status"), required=True),
        "fees": take(record, "fees", checks.text) or take(record, "fees_description", checks.text),
        "eligibility": take(record, "eligibility_description", checks.text),
        "minimum_age": take(record, "minimum_age", _age),
        "maximum_age": take(record, "maximum_age", _age),
        "how_to_get_it": take(record, "application_process", checks.text),
        "alert": take(record, "alert", checks.text),
        "assurer_email": take(record, "assurer_email", checks.email),
        "confirmed_on": take(record, "assured_date", a_past_day),
        "as_of": take(record, "last_modified", lambda text: a_past_day(text).isoformat()),
        "source_id": feed,
        "verified": False,
    }
    least, most = row["minimum_age"], row["maximum_age"]
    if least is not None and most is not None and most < least:
        reader.refuse("maximum_age", most, "is less than the minimum")
    return row


def rows_of(record: Row, field: str) -> list[Row]:
    """A field's list of objects; nothing where it is something else."""
    value = record.get(field)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def schedule(reader: Reader, given: Row, service_id: str, at: str | None, feed: str) -> Row | None:
    """One schedule; None where it says nothing that can be kept."""
    take = reader.take
    row: Row = {
        "id": slug(service_id, str(given.get("id", ""))),
        "service_id": service_id,
        "service_at_location_id": at,
        "dtstart": take(given, "dtstart", sessions.a_day),
        "valid_from": take(given, "valid_from", sessions.a_day),
        "valid_to": take(given, "valid_to", sessions.a_day),
        "freq": take(given, "freq", checks.one_of(sessions.FREQUENCIES)),
        "interval": take(given, "interval", checks.whole_number) or 1,
        "byday": take(given, "byday", sessions.by_day),
        "bymonthday": take(given, "bymonthday", sessions.by_month_day),
        "except_on": [],
        "opens_at": take(given, "opens_at", sessions.clock),
        "closes_at": take(given, "closes_at", sessions.clock),
        "description": take(given, "description", checks.text),
        "schedule_link": take(given, "schedule_link", checks.url),
        "attending_type": take(given, "attending_type", checks.text),
        "source_id": feed,
    }
    wrong = sessions.rules(row) or ([("interval", "is too long")] if not 1 <= row["interval"] <= 60 else [])
    if wrong:
        column, reason = wrong[0]
        reader.report.warnings.append(f"service {reader.number}: a schedule's {column} {reason}; left out")
        return None
    return row


def contacts(reader: Reader, service_id: str, feed: str) -> Iterable[Row]:
    """Whom to ring and write to: a row for each telephone number, or for each contact without one."""
    record, take = reader.record, reader.take
    given = [
        *rows_of(record, "contacts"),
        *({"phones": [p], "id": p.get("id")} for p in rows_of(record, "phones")),
    ]
    for contact in given:
        for number, phone in enumerate(rows_of(contact, "phones") or [{}]):
            row = {
                "id": slug(service_id, str(contact.get("id", "")), str(number) if number else ""),
                "service_id": service_id,
                "name": take(contact, "name", checks.text),
                "title": take(contact, "title", checks.text),
                "phone": take(phone, "number", checks.phone),
                "phone_description": take(phone, "description", checks.text),
                "email": take(contact, "email", checks.email),
                "source_id": feed,
            }
            if row["name"] or row["title"] or row["phone"] or row["email"]:
                yield row


def cost(reader: Reader, given: Row, service_id: str, feed: str) -> Row:
    """One price."""
    take = reader.take
    return {
        "id": slug(service_id, str(given.get("id", ""))),
        "service_id": service_id,
        "option": take(given, "option", checks.text),
        "amount": take(given, "amount", _amount),
        "amount_description": take(given, "amount_description", checks.text),
        "valid_from": take(given, "valid_from", sessions.a_day),
        "valid_to": take(given, "valid_to", sessions.a_day),
        "source_id": feed,
    }


def position(location: Row) -> tuple[float, float] | None:
    """A location's easting and northing; None where it has no coordinates or none of Great Britain."""
    try:
        longitude, latitude = float(location["longitude"]), float(location["latitude"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (-9 <= longitude <= 3 and 49 <= latitude <= 61):
        return None
    easting, northing = to_grid([longitude], [latitude])[0]
    return (easting, northing) if math.isfinite(easting) and math.isfinite(northing) else None
