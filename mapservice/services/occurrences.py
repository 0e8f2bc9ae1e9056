"""When sessions happen: their days, by the rules of calendars (RFC 5545), in London's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil import rrule
from psycopg import Cursor
from psycopg.rows import class_row

from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.services.offers import Offer, offers_of, wanted

LONDON = ZoneInfo("Europe/London")
_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAYS = dict(zip(_NAMES, rrule.weekdays, strict=True))


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a service at one place; `since` is when the register came to know of it."""

    uuid: UUID
    at: str
    dtstart: date | None
    valid_from: date | None
    valid_to: date | None
    freq: str | None
    interval: int
    byday: str | None
    bymonthday: str | None
    bymonth: list[int] | None
    except_on: list[date]
    opens_at: time | None
    closes_at: time | None
    description: str | None
    since: date
    updated_at: datetime

    @property
    def first_day(self) -> date:
        """The day from which its rule is counted."""
        return self.dtstart or self.valid_from or self.since

    def days(self, first: date, last: date) -> list[date]:
        """The days on which it happens from one day to another, both included."""
        if self.freq is None:
            happens = self.dtstart is not None and first <= self.dtstart <= last
            return [self.dtstart] if happens and self.dtstart and self.dtstart not in self.except_on else []
        begin = max(first, self.first_day, self.valid_from or self.first_day)
        end = min(last, self.valid_to or last)
        if begin > end:
            return []
        found = self._rule(self._turn_before(begin)).between(_midnight(begin), _midnight(end), inc=True)
        return [each.date() for each in found if each.date() not in self.except_on]

    def first_occurrence(self) -> date | None:
        """The first day on which it happens at all."""
        if self.freq is None:
            return self.dtstart
        begin = max(self.first_day, self.valid_from or self.first_day)
        found = self._rule(self.first_day).after(_midnight(begin), inc=True)
        return found.date() if found and found.date() <= (self.valid_to or found.date()) else None

    def _turn_before(self, day: date) -> date:
        """The beginning of the last of its turns of weeks or months that begins no later than `day`.

        Counted from there its rule gives the same days, without all those since the first.
        """
        if self.freq == "WEEKLY":
            turn = timedelta(weeks=self.interval)
            return self.first_day + (day - self.first_day) // turn * turn
        months = (day.year - self.first_day.year) * 12 + day.month - self.first_day.month
        if months < self.interval:
            return self.first_day
        years, month = divmod(self.first_day.month - 1 + months // self.interval * self.interval, 12)
        return date(self.first_day.year + years, month + 1, 1)

    def _rule(self, start: date) -> rrule.rrule:
        monthly = self.freq == "MONTHLY"
        on_days = [int(part) for part in self.bymonthday.split(",")] if self.bymonthday else None
        if monthly and not (self.byday or on_days):
            on_days = [self.first_day.day]
        return rrule.rrule(
            rrule.MONTHLY if monthly else rrule.WEEKLY,
            dtstart=_midnight(start),
            interval=self.interval,
            byweekday=[_weekday(part) for part in self.byday.split(",")] if self.byday else None,
            bymonthday=on_days,
            bymonth=self.bymonth,
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """A session on a day."""

    day: date
    session: Session
    offer: Offer


_COLUMNS = (
    "e.uuid, l.id AS at, e.dtstart, e.valid_from, e.valid_to, e.freq, e.interval, e.byday, e.bymonthday,"
    " e.bymonth, e.except_on, e.opens_at, e.closes_at, e.description, v.created_at::date AS since,"
    " e.updated_at"
)
_SESSIONS = """
    register.service_at_locations l JOIN register.services v ON v.id = l.service_id
    JOIN register.sessions e ON e.service_id = v.id AND COALESCE(e.service_at_location_id, l.id) = l.id
        AND NOT e.implied AND num_nonnulls(e.freq, e.dtstart) > 0
"""
# What cannot happen in a few days is left out here: it is over or has not begun, or is on other days of the
# week or in other months. What is left is for the rule to say.
_MAY_HAPPEN = """
    CASE WHEN e.freq IS NULL THEN e.dtstart BETWEEN %(first)s AND %(last)s ELSE
        COALESCE(e.dtstart, %(last)s) <= %(last)s
        AND COALESCE(e.valid_from, %(last)s) <= %(last)s AND COALESCE(e.valid_to, %(first)s) >= %(first)s
        AND (e.bymonth IS NULL OR e.bymonth && %(months)s::smallint[])
        AND (e.byday IS NULL
             OR string_to_array(regexp_replace(e.byday, '[-+0-9]', '', 'g'), ',') && %(weekdays)s::text[])
    END
"""


def sessions_of(cursor: Cursor[Any], found: list[Offer]) -> list[Session]:
    """The sessions of some offers, without the hours of places that are simply open."""
    statement = f"SELECT {_COLUMNS} FROM {_SESSIONS} WHERE l.id = ANY (%(offers)s) ORDER BY l.id, e.id"
    return _read(cursor, statement, {"offers": [offer.id for offer in found]})


def happenings(
    cursor: Cursor[Any],
    first: date,
    last: date,
    *,
    need: str | None = None,
    locality: str | None = None,
    examples: bool = False,
    viewer: Viewer = ANONYMOUS,
    limit: int = 200,
) -> list[Happening]:
    """What happens from one day to another, in the order of the clock; no more than `limit`.

    Only as many days are looked at as it takes: where much happens, the first ones are enough.
    """
    asked = {"need": need, "locality": locality, "viewer": list(viewer)}
    listed: list[tuple[date, Session]] = []
    days = 1
    while first <= last and len(listed) < limit:
        end = min(last, first + timedelta(days=days - 1))
        listed += _on_days(cursor, first, end, examples, asked)
        first, days = end + timedelta(days=1), days * 2
    listed = listed[:limit]
    found = offers_of(cursor, {session.at for _, session in listed})
    return [Happening(day, session, found[session.at]) for day, session in listed if session.at in found]


def _on_days(
    cursor: Cursor[Any], first: date, last: date, examples: bool, asked: dict[str, Any]
) -> list[tuple[date, Session]]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    statement = f"""
        SELECT {_COLUMNS} FROM {_SESSIONS} JOIN layers.services s ON s.id = l.id
        WHERE s.status = 'active' AND {wanted(examples)} AND {_MAY_HAPPEN}
        ORDER BY s.name COLLATE "C", s.id COLLATE "C", e.id
    """
    given = {
        **asked,
        "first": first,
        "last": last,
        "months": sorted({day.month for day in days}),
        "weekdays": sorted({_NAMES[day.weekday()] for day in days}),
    }
    found = [
        (day, session) for session in _read(cursor, statement, given) for day in session.days(first, last)
    ]
    return sorted(found, key=lambda each: (each[0], each[1].opens_at or time.min))


def _read(cursor: Cursor[Any], statement: str, parameters: dict[str, Any]) -> list[Session]:
    with cursor.connection.cursor(row_factory=class_row(Session)) as reading:
        return reading.execute(statement.encode(), parameters).fetchall()


def by_day(listed: list[Happening]) -> Iterator[tuple[date, list[Happening]]]:
    """Happenings grouped by day."""
    for day in dict.fromkeys(each.day for each in listed):
        yield day, [each for each in listed if each.day == day]


def _weekday(part: str) -> Any:
    number = part[:-2]
    return _DAYS[part[-2:]](int(number)) if number else _DAYS[part[-2:]]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
