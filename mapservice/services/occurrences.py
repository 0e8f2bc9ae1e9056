"""When sessions happen: their days, by the rules of calendars (RFC 5545), in London's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil import rrule
from psycopg import Cursor
from psycopg.rows import class_row

from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.services.offers import Offer, offers

LONDON = ZoneInfo("Europe/London")
_DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), rrule.weekdays, strict=True))


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
        found = self._rule().between(_midnight(begin), _midnight(end), inc=True) if begin <= end else []
        return [each.date() for each in found if each.date() not in self.except_on]

    def first_occurrence(self) -> date | None:
        """The first day on which it happens at all."""
        if self.freq is None:
            return self.dtstart
        begin = max(self.first_day, self.valid_from or self.first_day)
        found = self._rule().after(_midnight(begin), inc=True)
        return found.date() if found and found.date() <= (self.valid_to or found.date()) else None

    def _rule(self) -> rrule.rrule:
        return rrule.rrule(
            rrule.MONTHLY if self.freq == "MONTHLY" else rrule.WEEKLY,
            dtstart=_midnight(self.first_day),
            interval=self.interval,
            byweekday=[_weekday(part) for part in self.byday.split(",")] if self.byday else None,
            bymonthday=[int(part) for part in self.bymonthday.split(",")] if self.bymonthday else None,
            bymonth=self.bymonth,
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """A session on a day."""

    day: date
    session: Session
    offer: Offer


def sessions_of(cursor: Cursor[Any], found: list[Offer]) -> list[Session]:
    """The sessions of some offers, without the hours of places that are simply open."""
    with cursor.connection.cursor(row_factory=class_row(Session)) as reading:
        return reading.execute(
            "SELECT s.uuid, l.id AS at, s.dtstart, s.valid_from, s.valid_to, s.freq, s.interval, s.byday,"
            " s.bymonthday, s.bymonth, s.except_on, s.opens_at, s.closes_at, s.description,"
            " v.created_at::date AS since, s.updated_at"
            " FROM register.service_at_locations l JOIN register.services v ON v.id = l.service_id"
            " JOIN register.sessions s ON s.service_id = v.id"
            " AND COALESCE(s.service_at_location_id, l.id) = l.id"
            " WHERE l.id = ANY (%s) AND NOT s.implied AND num_nonnulls(s.freq, s.dtstart) > 0"
            " ORDER BY l.id, s.id",
            ([offer.id for offer in found],),
        ).fetchall()


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
    """What happens from one day to another, in the order of the clock; no more than `limit`."""
    found = {
        offer.id: offer
        for offer in offers(cursor, need=need, locality=locality, examples=examples, viewer=viewer)
        if offer.status == "active"
    }
    listed = [
        Happening(day, session, found[session.at])
        for session in sessions_of(cursor, list(found.values()))
        for day in session.days(first, last)
    ]
    listed.sort(
        key=lambda each: (each.day, each.session.opens_at or time.min, each.offer.name, each.offer.id)
    )
    return listed[:limit]


def by_day(listed: list[Happening]) -> Iterator[tuple[date, list[Happening]]]:
    """Happenings grouped by day."""
    for day in dict.fromkeys(each.day for each in listed):
        yield day, [each for each in listed if each.day == day]


def _weekday(part: str) -> Any:
    number = part[:-2]
    return _DAYS[part[-2:]](int(number)) if number else _DAYS[part[-2:]]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
