"""What opening hours say at a moment, in London, on holidays, out of season and while a place is shut."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapservice.register.opening_hours import (
    LONDON,
    Closure,
    WrongHours,
    bank_holidays,
    check,
    opening_at,
)

OFFICE = "Mo-Fr 09:00-17:00; Sa 10:00-13:00; PH off"
REFIT = Closure(date(2026, 11, 20), date(2026, 12, 4), "being painted")
CHARING_CROSS = (-0.13, 51.51)


def london(text):
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    "hours,moment,word,then",
    [
        (OFFICE, "2026-11-23T10:00", "open", "2026-11-23T17:00"),
        (OFFICE, "2026-11-23T17:00", "closed", "2026-11-24T09:00"),
        (OFFICE, "2026-11-28T13:30", "closed", "2026-11-30T09:00"),
        ("24/7", "2026-12-25T03:00", "open", None),
        ("Fr 20:00-02:00", "2026-11-28T01:30", "open", "2026-11-28T02:00"),
        ("Th[1] 10:00-12:00", "2026-12-01T10:00", "closed", "2026-12-03T10:00"),
        # England's bank holidays, also those that Scotland and Northern Ireland do not have.
        (OFFICE, "2026-12-25T10:00", "closed", "2026-12-29T09:00"),
        (OFFICE, "2027-01-01T10:00", "closed", "2027-01-02T10:00"),
        (OFFICE, "2026-04-06T10:00", "closed", "2026-04-07T09:00"),
        (OFFICE, "2026-08-31T10:00", "closed", "2026-09-01T09:00"),
        (OFFICE, "2023-05-08T10:00", "closed", "2023-05-09T09:00"),
        # and not Scotland's second of January.
        (OFFICE, "2024-01-02T10:00", "open", "2024-01-02T17:00"),
        ("Mo-Fr,PH 10:00-12:00", "2026-12-26T10:00", "open", "2026-12-26T12:00"),
        ('Mo-Fr 09:00-17:00; PH 10:00-11:00 "short; ring"', "2026-04-06T10:30", "open", "2026-04-06T11:00"),
        ("Mo-Su 10:00-12:00; Dec PH off", "2026-12-25T11:00", "closed", "2026-12-27T10:00"),
        ("Mo-Su 10:00-12:00; Dec PH off", "2026-08-31T11:00", "open", "2026-08-31T12:00"),
        # Out of season.
        ("Apr-Sep Mo-Su 08:00-20:00; PH off", "2026-11-23T10:00", "season", "2027-04-01T08:00"),
        ("Nov-Mar Tu 10:00-14:00; PH off", "2026-06-01T10:00", "season", "2026-11-03T10:00"),
        ("2020 Jan 01-2020 Feb 01 10:00-12:00; PH off", "2026-06-01T10:00", "season", None),
        # A person would have to ask.
        ('Mo 10:00-12:00 unknown "by appointment"', "2026-11-23T11:00", "unknown", None),
        ('Mo 10:00-12:00 unknown "by appointment"', "2026-11-24T11:00", "unknown", None),
        (None, "2026-11-23T11:00", "unknown", None),
        ("", "2026-11-23T11:00", "unknown", None),
        ("whenever we like", "2026-11-23T11:00", "unknown", None),
    ],
)
def test_what_hours_say(hours, moment, word, then):
    found = opening_at(hours, (), london(moment))
    assert found.word == word
    assert (found.until or found.opens) == (london(then) if then else None)


def test_a_bank_holiday_of_which_the_hours_say_nothing_is_unknown():
    found = opening_at("Mo-Sa 09:30-17:00", (), london("2026-12-25T10:00"))
    assert (found.word, found.note, found.opens) == ("unknown", "bank holiday", london("2026-12-29T09:30"))
    assert opening_at("Mo-Sa 09:30-17:00", (), london("2026-12-24T10:00")).is_open


@pytest.mark.parametrize(
    "moment,word",
    [
        # The clocks go forward at 01:00 UTC on 29 March and back at 01:00 UTC on 25 October 2026.
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "closed"),
        (datetime(2026, 3, 29, 7, 59, tzinfo=UTC), "closed"),
        (datetime(2026, 3, 29, 8, 0, tzinfo=UTC), "open"),
        (datetime(2026, 3, 28, 8, 30, tzinfo=UTC), "closed"),
        (datetime(2026, 10, 24, 8, 30, tzinfo=UTC), "open"),
        (datetime(2026, 10, 25, 8, 30, tzinfo=UTC), "closed"),
        (datetime(2026, 10, 25, 9, 0, tzinfo=UTC), "open"),
    ],
)
def test_open_now_is_decided_by_the_clock_on_the_wall(moment, word):
    assert opening_at("Mo-Su 09:00-17:00", (), moment).word == word


def test_the_hour_that_comes_twice_counts_twice():
    def states(hours):
        return [
            opening_at(hours, (), datetime(2026, 10, 25, 0, 30, tzinfo=UTC) + timedelta(hours=n)).word
            for n in range(3)
        ]

    assert states("Mo-Su 01:00-02:00") == ["open", "open", "closed"]
    assert states("Mo-Su 02:00-03:00") == ["closed", "closed", "open"]


def test_a_closure_stands_above_the_hours_and_ends():
    shut = opening_at(OFFICE, [REFIT], london("2026-11-23T10:00"))
    assert (shut.word, shut.note, shut.opens) == ("closure", "being painted", london("2026-12-05T10:00"))
    assert opening_at(OFFICE, [REFIT], london("2026-12-05T10:00")).is_open
    before = opening_at("24/7", [REFIT], london("2026-11-19T10:00"))
    assert (before.word, before.until) == ("open", london("2026-11-20T00:00"))
    assert opening_at("24/7", [REFIT], london("2026-12-01T10:00")).opens == london("2026-12-05T00:00")
    # The evening before, a door that next opens in the closure opens only after it.
    assert opening_at(OFFICE, [REFIT], london("2026-11-19T18:00")).opens == london("2026-12-05T10:00")


def test_a_closure_without_an_end_promises_nothing():
    fire = Closure(date(2026, 11, 20), None, "fire")
    for hours in (OFFICE, "24/7", None):
        found = opening_at(hours, [fire], london("2026-11-23T10:00"))
        assert (found.word, found.opens) == ("closure", None)
    assert opening_at(None, [REFIT], london("2026-12-10T10:00")).word == "unknown"


def test_the_sun_is_asked_where_the_place_is():
    hours = "Mo-Su 08:00-dusk; PH 08:00-dusk"
    assert opening_at(hours, (), london("2026-12-10T15:30"), CHARING_CROSS).is_open
    assert opening_at(hours, (), london("2026-12-10T18:00"), CHARING_CROSS).word == "closed"
    assert opening_at(hours, (), london("2026-06-10T18:00"), CHARING_CROSS).is_open
    assert opening_at(hours, (), london("2026-12-10T15:30")).word == "unknown"


def test_bank_holidays_are_those_of_england():
    """As published by the government for England and Wales."""
    assert [f"{day:%m-%d}" for day in bank_holidays(2026)] == (
        ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-26", "12-28"]
    )
    assert {date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)} <= {
        day for year in (2022, 2023) for day in bank_holidays(year)
    }


@pytest.mark.parametrize("wrong", ["Mo-Fr 09:00-17:00; SH off", "PH-Mo 09:00-12:00", "PH -1 day off"])
def test_what_cannot_be_evaluated_is_refused(wrong):
    with pytest.raises(WrongHours):
        check(wrong)


@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet='MoTuFrSaPHSJanDec0123456789:-,; "[]off/+', max_size=60),
    ),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_nothing_that_is_written_can_break_a_page(hours, moment):
    found = opening_at(hours, [REFIT], moment.replace(tzinfo=UTC), CHARING_CROSS)
    assert found.word in ("open", "closed", "season", "closure", "unknown")
    assert found.opens is None or found.opens > moment.replace(tzinfo=UTC)
    with suppress(WrongHours):
        assert check(hours) == hours


@given(
    st.lists(
        st.sampled_from(["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]), min_size=1, max_size=4, unique=True
    ),
    st.integers(0, 22),
    st.integers(1, 59),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
)
def test_weekly_hours_agree_with_the_calendar(days, hour, minutes, moment):
    hours = f"{','.join(days)} {hour:02d}:00-{hour:02d}:{minutes:02d}; PH off"
    here = moment.replace(tzinfo=LONDON)
    at_work = here.strftime("%a")[:2] in days and here.date() not in bank_holidays(here.year)
    assert opening_at(hours, (), here).is_open == (at_work and here.hour == hour and here.minute < minutes)
