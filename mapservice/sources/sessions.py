"""`sessions.csv`: when services are given: on one day, or repeating as calendars repeat (RFC 5545)."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path
from typing import Any

from mapservice.sources import checks
from mapservice.sources.context import Context
from mapservice.sources.report import Report
from mapservice.sources.staging import Cursor, remove_missing, target, upsert
from mapservice.sources.tables import Row, read_table, refuse_repeated

REQUIRED = ("id", "service", "source")
OPTIONAL = (
    "at",
    "starts_on",
    "valid_from",
    "valid_to",
    "freq",
    "interval",
    "byday",
    "bymonthday",
    "months",
    "except_on",
    "opens_at",
    "closes_at",
    "description",
    "schedule_link",
    "attending_type",
    "confirmed_on",
    "as_of",
    "note",
)
FREQUENCIES = ("WEEKLY", "MONTHLY")
_DAY = r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)"
BYDAY = re.compile(rf"{_DAY}(,{_DAY})*")
CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
BYMONTHDAY = re.compile(r"-?([1-9]|[12][0-9]|3[01])(,-?([1-9]|[12][0-9]|3[01]))*")
COLUMNS = {
    "id": "text",
    "service_id": "text",
    "service_at_location_id": "text",
    "dtstart": "date",
    "valid_from": "date",
    "valid_to": "date",
    "freq": "text",
    "interval": "integer",
    "byday": "text",
    "bymonthday": "text",
    "bymonth": "smallint[]",
    "except_on": "date[]",
    "opens_at": "time",
    "closes_at": "time",
    "description": "text",
    "schedule_link": "text",
    "attending_type": "text",
    "source_id": "text",
    "confirmed_on": "date",
    "as_of": "text",
    "note": "text",
}
_NAMES = {
    "service": "service_id",
    "at": "service_at_location_id",
    "starts_on": "dtstart",
    "months": "bymonth",
    "source": "source_id",
}


def a_day(value: str) -> date:
    """A day, past or to come, written YYYY-MM-DD."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError as error:
        raise checks.Refused(f"is not a day of the calendar ({error})") from error
    raise checks.Refused("must be a date written YYYY-MM-DD, such as 2026-11-30")


def clock(value: str) -> time:
    """A time of day such as 09:30. Seconds and time zone are dropped: sessions go by London's clock."""
    match = CLOCK.fullmatch(value)
    if not match:
        raise checks.Refused("must be a time of day, such as 09:30")
    return time(int(match[1]), int(match[2]))


def by_day(value: str) -> str:
    """Days of the week as calendars write them: MO,TH, or 2MO for the second Monday of a month."""
    plain = value.upper().replace(" ", "")
    if not BYDAY.fullmatch(plain):
        raise checks.Refused("must be days such as MO,TH, or 2MO for the second Monday of the month")
    return plain


def by_month_day(value: str) -> str:
    """Days of the month: 1,15, or -1 for the last."""
    plain = value.replace(" ", "")
    if not BYMONTHDAY.fullmatch(plain):
        raise checks.Refused("must be days of the month such as 1,15, or -1 for the last")
    return plain


def _months(value: str) -> list[int]:
    try:
        found = [int(part) for part in re.split(r"[;,\s]+", value) if part]
    except ValueError as error:
        raise checks.Refused("must be numbers of months such as 11;12;1;2;3") from error
    if not found or not set(found) <= set(range(1, 13)):
        raise checks.Refused("must be numbers of months such as 11;12;1;2;3")
    return found


def _days(value: str) -> list[date]:
    return [a_day(part.strip()) for part in value.split(";") if part.strip()]


def rules(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with how the parts of a session sit together: (column, reason) each."""
    wrong = []
    freq, byday, monthday = record.get("freq"), record.get("byday"), record.get("bymonthday")
    if freq is None and (byday or monthday or record.get("bymonth")):
        wrong.append(("freq", "must be WEEKLY or MONTHLY where days or months are given"))
    if freq is None and not record.get("dtstart") and not record.get("description"):
        wrong.append(("starts_on", "needs a day, a frequency or a description"))
    if freq == "WEEKLY" and (monthday or re.search(r"\d", byday or "")):
        wrong.append(("byday", "days of the month need the frequency MONTHLY"))
    if freq and not (byday or monthday or record.get("dtstart")):
        wrong.append(("byday", "must say on which days"))
    if (record.get("interval") or 1) != 1 and not record.get("dtstart"):
        wrong.append(("starts_on", "needs the first day, to count intervals from"))
    opens, closes = record.get("opens_at"), record.get("closes_at")
    if opens and closes and closes <= opens:
        wrong.append(("closes_at", "must be later than it opens"))
    first, last = record.get("valid_from"), record.get("valid_to")
    if first and last and last < first:
        wrong.append(("valid_to", "is before the first day"))
    return wrong


def read(path: Path, context: Context, report: Report) -> list[dict[str, Any]]:
    """Read and check the file."""
    table = read_table(path, report, REQUIRED, OPTIONAL)
    refuse_repeated(table.rows, ["id"])
    check = {
        "id": checks.slug,
        "service": checks.one_of(context.services, "service"),
        "at": checks.one_of(context.service_locations, "place of the service"),
        "starts_on": a_day,
        "valid_from": a_day,
        "valid_to": a_day,
        "freq": checks.one_of(FREQUENCIES),
        "interval": checks.whole_number,
        "byday": by_day,
        "bymonthday": by_month_day,
        "months": _months,
        "except_on": _days,
        "opens_at": clock,
        "closes_at": clock,
        "schedule_link": checks.url,
        "source": checks.one_of(context.sources, "source"),
        "confirmed_on": checks.iso_date,
    }
    return [_record(row, check) for row in table.rows]


def _record(row: Row, check: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {
        _NAMES.get(column, column): row.take(
            column, check.get(column, checks.text), required=column in REQUIRED
        )
        for column in (*REQUIRED, *OPTIONAL)
    }
    record["interval"] = record["interval"] or 1
    record["except_on"] = record["except_on"] or []
    for column, reason in rules(record):
        row.refuse(column, reason)
    return record


def apply(cursor: Cursor, records: list[dict[str, Any]], report: Report, *, replace: bool = False) -> None:
    """Write checked records."""
    staged = upsert(cursor, target("schedules", ["id"], COLUMNS), records, report)
    if replace:
        remove_missing(cursor, "schedules", ["id"], staged, report)
