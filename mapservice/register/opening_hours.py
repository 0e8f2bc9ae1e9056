"""Opening hours in OpenStreetMap's syntax: what may be written, and what they say at a moment.

The library knows the syntax. What it does not know are England's bank holidays (its calendar of Great Britain
has only those that all its nations share), so rules for `PH` are handed to it with their days written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays
from opening_hours import OpeningHours, State
from opening_hours import ParserError as NotHours  # type: ignore[attr-defined]  # its stub forgets it

LONDON = ZoneInfo("Europe/London")
NATION = "ENG"
LATEST_END_MINUTES = 26 * 60
SEASON = timedelta(days=14)
"""Closed for longer than this without a closure being known is closed for the season."""
HORIZON = timedelta(days=370)
BANK_HOLIDAY = "bank holiday"
# Whatever the machine's language.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EXAMPLE = "an example: Mo-Fr 09:00-17:00; Sa 10:00-13:00; PH off"

_OUTSIDE_QUOTES = r'(?=(?:[^"]*"[^"]*")*[^"]*$)'
_SEPARATOR = re.compile(rf";{_OUTSIDE_QUOTES}")
_COMMENT = re.compile(r'"[^"]*"')
_SAYS_WHEN = re.compile(r"\d:\d\d|24/7|\b(?:off|closed|open|unknown|sunrise|sunset|dawn|dusk)\b|\"")
_SUN = re.compile(r"\b(?:sunrise|sunset|dawn|dusk)\b")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_SPAN = re.compile(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)(?:\[[-0-9, ]+\])?"
# A rule with PH among its days: what stands before the days, the days, and the rest.
_HOLIDAY_RULE = re.compile(
    rf"(?P<months>[A-Z][a-z]{{2}}\b[^\"]*?:?\s*)?"
    rf"(?P<days>(?:PH|{_DAY})(?:\s?[-,]\s?(?:PH|{_DAY}))*)\s*(?P<rest>.*)"
)

Word = Literal["open", "closed", "season", "closure", "unknown"]


class WrongHours(ValueError):
    """A text is no opening hours that we can evaluate; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Some days, the last included, on which a place is shut whatever its hours say; None: not known when."""

    first: date
    last: date | None
    reason: str

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a place at one moment.

    `until` is when an open door closes (None: never), `opens` when a shut one opens next (None: not known).
    """

    word: Word
    until: datetime | None = None
    opens: datetime | None = None
    note: str = ""

    @property
    def is_open(self) -> bool:
        return self.word == "open"

    @property
    def known(self) -> bool:
        return self.word != "unknown"

    def opens_within(self, now: datetime, days: int) -> bool:
        """Whether the door is known to be open at some time of the days that follow."""
        return self.is_open or (self.opens is not None and self.opens <= now + timedelta(days=days))


def check(value: str) -> str:
    """Opening hours as they are kept: as written. Raises WrongHours with a reason for their writer."""
    for part in _SEPARATOR.split(value):
        rule = part.strip()
        if not _SAYS_WHEN.search(rule):
            raise WrongHours(f'says no times at "{rule}"; {EXAMPLE}')
        bare = _COMMENT.sub("", rule)
        if re.search(r"\bSH\b", bare):
            raise WrongHours("names school holidays (SH), whose days are not known here: write the dates")
        for hour, minute in _TIME.findall(bare):
            # 26:00 is OSM's way to say two in the morning of the next day.
            if int(minute) > 59 or int(hour) * 60 + int(minute) > LATEST_END_MINUTES:
                raise WrongHours(f"holds a time that does not exist: {hour}:{minute}")
        for start, end in _SPAN.findall(bare):
            if start == end:
                raise WrongHours(f"holds a span without length: {start}-{end}")
    _read(value, date.today().year)
    return value


def opening_at(
    hours: str | None,
    closures: Iterable[Closure],
    now: datetime,
    position: tuple[float, float] | None = None,
) -> Opening:
    """What hours and closures say at a moment, which must know its time zone.

    Nothing known, or nothing that can be read, is unknown: never open, never closed. Neither is a bank
    holiday of which the hours say nothing. `position` (longitude, latitude) is where the sun rises and sets.
    """
    now = now.astimezone(LONDON)
    shut = tuple(closures)
    known = _known(hours, now.year, position)
    closed_by = next((closure for closure in shut if closure.covers(now.date())), None)
    if closed_by is not None:
        return _closed_by(closed_by, shut, known, now)
    if known is None:
        return Opening("unknown")
    state, note = known.state(now)
    if state == State.UNKNOWN:
        return Opening("unknown", opens=_opens(known, shut, now), note=note)
    if state == State.OPEN:
        return Opening("open", until=_closes(known, shut, now), note=note)
    opens = _opens(known, shut, now)
    if opens is None and _ever_unknown(known, now):
        return Opening("unknown", note=note)
    away = opens is None or opens - now > SEASON
    return Opening("season" if away else "closed", opens=opens, note=note)


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> tuple[date, ...]:
    """England's bank holidays of a year, Good Friday and Christmas Day among them."""
    return tuple(sorted(holidays.country_holidays("GB", subdiv=NATION, years=year)))


def _closed_by(
    closure: Closure, shut: tuple[Closure, ...], known: OpeningHours | None, now: datetime
) -> Opening:
    if closure.last is None or known is None:
        return Opening("closure", note=closure.reason)
    over = datetime.combine(closure.last + timedelta(days=1), time(), LONDON)
    if known.state(over)[0] == State.OPEN and not any(other.covers(over.date()) for other in shut):
        return Opening("closure", opens=over, note=closure.reason)
    return Opening("closure", opens=_opens(known, shut, over), note=closure.reason)


def _opens(known: OpeningHours, shut: tuple[Closure, ...], now: datetime) -> datetime | None:
    """When the door opens next after a moment at which it is shut."""
    for start, end, state, _ in known.intervals(now, now + HORIZON):
        if state != State.OPEN:
            continue
        begins = max(start, now)
        while closed_by := next((c for c in shut if c.covers(begins.date())), None):
            if closed_by.last is None:
                return None
            begins = datetime.combine(closed_by.last + timedelta(days=1), time(), LONDON)
        if end is None or begins < end:
            return begins
    return None


def _closes(known: OpeningHours, shut: tuple[Closure, ...], now: datetime) -> datetime | None:
    end = known.next_change(now)
    begin = min((c.first for c in shut if c.first > now.date()), default=None)
    starts = datetime.combine(begin, time(), LONDON) if begin else None
    return min((moment for moment in (end, starts) if moment), default=None)


def _ever_unknown(known: OpeningHours, now: datetime) -> bool:
    """Whether there are times of which a person would have to ask; bank holidays are no such times."""
    return any(
        state == State.UNKNOWN and note != BANK_HOLIDAY
        for _, _, state, note in known.intervals(now, now + HORIZON)
    )


def _known(hours: str | None, year: int, position: tuple[float, float] | None) -> OpeningHours | None:
    if not hours:
        return None
    sun = _SUN.search(hours) is not None
    if sun and position is None:
        return None
    # To a tenth of a degree the sun is the same for a whole borough, and so is what is kept in memory.
    around = (round(position[1], 1), round(position[0], 1)) if position and sun else None
    try:
        return _read(hours, year, around)
    except WrongHours:
        return None


@lru_cache(maxsize=4096)
def _read(hours: str, year: int, around: tuple[float, float] | None = None) -> OpeningHours:
    """The hours with the bank holidays of a year and its neighbours written out. Raises WrongHours."""
    rules = [_without_holidays(rule.strip(), year) for rule in _SEPARATOR.split(hours)]
    if hours != "24/7" and not _names_holidays(hours):
        # Who wrote `Mo-Fr 09:00-17:00` was seldom thinking of Christmas Day.
        rules.append(f'{_dates(_holidays_around(year))} unknown "{BANK_HOLIDAY}"')
    try:
        return OpeningHours("; ".join(rules), timezone=LONDON, coords=around, auto_country=False)
    except (NotHours, ValueError) as error:
        raise WrongHours(f"is not opening hours as OpenStreetMap writes them; {EXAMPLE}") from error


def _without_holidays(rule: str, year: int) -> str:
    if not _names_holidays(rule):
        return rule
    found = _HOLIDAY_RULE.fullmatch(rule)
    if (
        found is None
        or re.match(r"[-+]\s?\d+ day", found["rest"])
        or "PH" in _COMMENT.sub("", found["rest"])
        or "PH-" in found["days"].replace(" ", "")
    ):
        raise WrongHours(f'holds bank holidays (PH) in a way that cannot be read here at "{rule}"; {EXAMPLE}')
    months, rest = found["months"] or "", found["rest"]
    others = [day for day in re.split(r"\s?,\s?(?![^\[]*\])", found["days"]) if day != "PH"]
    days = _holidays_around(year)
    if months:
        try:
            within = OpeningHours(f"{months.strip().rstrip(':')} 00:00-24:00")
        except (NotHours, ValueError) as error:
            raise WrongHours(f'holds no months at "{months.strip()}"; {EXAMPLE}') from error
        days = [day for day in days if within.is_open(datetime.combine(day, time(12)))]
    parts = [f"{months}{','.join(others)} {rest}"] if others else []
    if days:
        parts.append(f"{_dates(days)} {rest}")
    return "; ".join(parts) or f"{year - 9} Jan 01 off"


def _names_holidays(hours: str) -> bool:
    return re.search(r"\bPH\b", _COMMENT.sub("", hours)) is not None


def _holidays_around(year: int) -> list[date]:
    return [day for near in (year - 1, year, year + 1, year + 2) for day in bank_holidays(near)]


def _dates(days: Iterable[date]) -> str:
    return ",".join(f"{day.year} {MONTHS[day.month - 1]} {day.day:02d}" for day in days)
