"""When sessions happen, across seasons, clock changes and ends of months; and as calendars."""

from datetime import UTC, date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from mapservice.services.calendars import calendar_of
from mapservice.services.occurrences import Session, happenings
from mapservice.services.offers import offers


def session(**more):
    given = {
        "uuid": UUID(int=1), "at": "x", "dtstart": None, "valid_from": None, "valid_to": None, "freq": None,
        "interval": 1, "byday": None, "bymonthday": None, "bymonth": None, "except_on": [],
        "opens_at": time(10), "closes_at": time(12), "description": None, "since": date(2026, 1, 1),
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Session(**{**given, **more})


@pytest.mark.parametrize(
    "rule,first,last,days",
    [
        ({"dtstart": date(2026, 5, 1)}, (2026, 5, 1), (2026, 5, 31), [(5, 1)]),
        ({"dtstart": date(2026, 5, 1), "except_on": [date(2026, 5, 1)]}, (2026, 5, 1), (2026, 5, 9), []),
        ({"freq": "WEEKLY", "byday": "TU"}, (2026, 3, 24), (2026, 4, 7), [(3, 24), (3, 31), (4, 7)]),
        (
            {"freq": "WEEKLY", "byday": "MO", "bymonth": [11, 12, 1, 2, 3]},
            (2026, 3, 20),
            (2026, 11, 10),
            [(3, 23), (3, 30), (11, 2), (11, 9)],
        ),
        (
            {"freq": "WEEKLY", "interval": 2, "byday": "SU", "dtstart": date(2026, 3, 1)},
            (2026, 3, 2),
            (2026, 3, 31),
            [(3, 15), (3, 29)],
        ),
        ({"freq": "MONTHLY", "byday": "-1FR"}, (2026, 2, 1), (2026, 3, 31), [(2, 27), (3, 27)]),
        ({"freq": "MONTHLY", "bymonthday": "31"}, (2026, 1, 1), (2026, 3, 31), [(1, 31), (3, 31)]),
        (
            {"freq": "WEEKLY", "byday": "TU", "valid_from": date(2026, 3, 10), "valid_to": date(2026, 3, 17)},
            (2026, 3, 1),
            (2026, 4, 1),
            [(3, 10), (3, 17)],
        ),
        (
            {"freq": "WEEKLY", "byday": "TU", "except_on": [date(2026, 3, 10)]},
            (2026, 3, 3),
            (2026, 3, 17),
            [(3, 3), (3, 17)],
        ),
    ],
)
def test_a_session_happens_on_its_days(rule, first, last, days):
    found = session(**rule).days(date(*first), date(*last))
    assert [(day.month, day.day) for day in found] == days


@pytest.fixture(scope="module")
def examples(database):
    with database.reading() as cursor:
        return offers(cursor, examples=True)


def test_a_calendar_keeps_rules_seasons_and_london_time(examples):
    warm = next(offer for offer in examples if offer.service == "example-warm-space")
    rule = {"freq": "WEEKLY", "byday": "MO,TH", "bymonth": [11, 12, 1, 2, 3], "at": warm.id}
    ended = session(**rule, valid_to=date(2026, 12, 31), except_on=[date(2026, 1, 5)])
    body = calendar_of("Ł; title", "https://map.example", [warm], [ended])
    calendar = Calendar.from_ical(body)
    (event,) = calendar.walk("VEVENT")
    assert calendar.walk("VTIMEZONE")
    assert event["dtstart"].dt == datetime(2026, 1, 1, 10, tzinfo=ZoneInfo("Europe/London"))
    assert event["rrule"]["BYMONTH"] == [11, 12, 1, 2, 3]
    assert event["rrule"]["BYDAY"] == ["MO", "TH"]
    assert event["rrule"]["UNTIL"] == [datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)]
    assert event["exdate"].dts[0].dt.date() == date(2026, 1, 5)
    assert event["summary"] == "Example: Warm Space"


def test_what_happens_is_listed_by_day_and_made_up_examples_only_when_asked_for(database):
    first, last = date(2027, 1, 4), date(2027, 1, 17)
    with database.reading() as cursor:
        assert not any(each.offer.demonstration for each in happenings(cursor, first, last))
        listed = happenings(cursor, first, last, examples=True)
        food = happenings(cursor, first, last, examples=True, need="food")
    assert [(each.day.day, each.offer.service) for each in food] == [
        (day, "example-warm-space") for day in (4, 7, 11, 14)
    ]
    assert (13, "example-mobile-outreach") in [(each.day.day, each.offer.service) for each in listed]
    assert [each.day for each in listed] == sorted(each.day for each in listed)
