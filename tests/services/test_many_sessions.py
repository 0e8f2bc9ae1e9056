"""What's on where very much is on: the same days, and no more looked at than it takes."""

from datetime import date, time, timedelta
from itertools import product

import pytest
from dateutil import rrule
from sqlalchemy import text

from mapservice.services import occurrences
from mapservice.services.occurrences import Session, happenings, sessions_of
from mapservice.services.offers import offers
from tests.services.test_occurrences import session

SERVICES = 210
MONDAY = date(2027, 1, 4)
MANY = f"""
INSERT INTO register.services (id, organisation_id, name, kind, source_id, verified)
SELECT 'many-' || n, 'islington-council', 'Many ' || lpad(n::text, 4, '0'), 'activity', 'direct-entry', true
FROM generate_series(1, {SERVICES}) n;
INSERT INTO register.service_at_locations (id, service_id, asset_key, source_id)
SELECT 'many-at-' || n, 'many-' || n, (SELECT key FROM register.assets WHERE id = 'finsbury-library'),
       'direct-entry'
FROM generate_series(1, {SERVICES}) n;
INSERT INTO register.schedules (id, service_id, freq, interval, dtstart, valid_to, byday, bymonth, opens_at,
                                source_id)
SELECT 'many-when-' || n, 'many-' || n, 'WEEKLY', 1 + n % 2, date '2020-01-06',
       CASE WHEN n % 5 = 0 THEN date '2025-12-31' END,
       (ARRAY['MO','TU','WE','TH','FR','SA','SU'])[1 + n % 7],
       CASE WHEN n % 3 = 0 THEN '{{1,6}}'::smallint[] END,
       time '08:00' + (n % 600) * interval '1 minute', 'direct-entry'
FROM generate_series(1, {SERVICES}) n;
"""

RULES = [
    {"freq": freq, "interval": interval, "dtstart": date(2019, month, day), **days}
    for freq, interval, (month, day), days in product(
        ("WEEKLY", "MONTHLY"), (1, 2, 3, 5), ((1, 31), (2, 28), (11, 15)), ({}, {"byday": "MO,FR"})
    )
] + [
    {"freq": "MONTHLY", "interval": interval, "dtstart": date(2019, 8, 30), **days}
    for interval, days in product(
        (1, 5, 7), ({"bymonthday": "31,-1"}, {"byday": "-1FR,+2SU"}, {"bymonth": [2, 12]})
    )
]


@pytest.mark.parametrize("given", RULES)
def test_its_days_are_the_same_however_long_ago_it_began(given):
    one = session(**given)
    start = occurrences._midnight(one.first_day)
    by_day = [occurrences._weekday(part) for part in one.byday.split(",")] if one.byday else None
    by_month_day = [int(part) for part in one.bymonthday.split(",")] if one.bymonthday else None
    freq = getattr(rrule, one.freq)
    whole = rrule.rrule(
        freq, start, one.interval, byweekday=by_day, bymonthday=by_month_day, bymonth=one.bymonth
    )
    for first in (date(2019, 1, 1), date(2019, 9, 1), date(2026, 2, 28), date(2027, 12, 31)):
        last = first + timedelta(days=200)
        begin, end = (occurrences._midnight(day) for day in (max(first, one.first_day), last))
        assert one.days(first, last) == [each.date() for each in whole.between(begin, end, inc=True)]


@pytest.fixture(scope="module")
def cursor(database):
    with database.session("tester") as writing:
        for statement in MANY.replace(":", r"\:").split(";\n"):
            if statement.strip():
                writing.execute(text(statement))
        writing.commit()
    with database.reading() as cursor:
        yield cursor


def all_of(cursor, first, last):
    """Every session of every day, in the order of the clock."""
    found = {offer.id: offer for offer in offers(cursor, limit=10_000) if offer.status == "active"}
    every = [
        (day, one.opens_at or time.min, found[one.at].name, one.at)
        for one in sessions_of(cursor, list(found.values()))
        for day in one.days(first, last)
    ]
    return sorted(every)


@pytest.mark.parametrize("limit", [1, 101, 100_000])
def test_all_that_happens_is_listed_in_order_up_to_the_limit(cursor, limit):
    last = MONDAY + timedelta(days=27)
    listed = happenings(cursor, MONDAY, last, limit=limit)
    said = [(each.day, each.session.opens_at or time.min, each.offer.name, each.offer.id) for each in listed]
    assert said == all_of(cursor, MONDAY, last)[:limit]
    assert len(said) == min(limit, len(all_of(cursor, MONDAY, last)))


def test_no_session_of_another_day_or_long_over_is_looked_at(cursor, monkeypatch):
    looked_at = []
    days = Session.days

    def spy(one, *window):
        looked_at.append(one)
        return days(one, *window)

    monkeypatch.setattr(Session, "days", spy)
    assert len(happenings(cursor, MONDAY, MONDAY + timedelta(days=27), limit=5)) == 5
    # One in seven is on a Monday, and a fifth of them are over: the first day is more than enough.
    assert len(looked_at) == SERVICES / 7 * 4 / 5
