"""Codes and figures in words."""

from datetime import date

import pytest

from mapservice.register.vocabulary import SUPPORT
from mapservice.web import words
from mapservice.web.finder import NEED_WORDS


@pytest.mark.parametrize(
    "given, said",
    [
        ("Mo 09:30-20:00; We 09:30-17:00", [("Monday", "9:30am to 8pm"), ("Wednesday", "9:30am to 5pm")]),
        ("Mo-Fr 09:00-12:00", [("Monday to Friday", "9am to noon")]),
        ("Mo,We 09:00-12:30,13:00-24:00", [("Monday, Wednesday", "9am to 12:30pm and 1pm to midnight")]),
        ("Su off", [("Sunday", "closed")]),
        ("24/7", [("Every day", "all day and night")]),
        ('"by appointment"', [("", '"by appointment"')]),
        ("week 1-20 Mo 09:00-10:00", [("", "week 1-20 Mo 09:00-10:00")]),
        ("", []),
        (None, []),
    ],
)
def test_opening_hours(given, said):
    assert words.hours_lines(given) == said


def test_days_with_equal_hours_are_put_together():
    grouped = words.hours_grouped("Mo 09:00-20:00; Tu 09:00-17:00; We 09:00-17:00; Th 09:00-20:00")
    assert grouped == [("Monday and Thursday", "9am to 8pm"), ("Tuesday and Wednesday", "9am to 5pm")]


@pytest.mark.parametrize(
    "metres, said",
    [(3.2, "10 metres"), (214, "210 metres"), (999, "1000 metres"), (1690, "1.7 km (1.1 miles)"), (None, "")],
)
def test_distances(metres, said):
    assert words.distance_words(metres) == said


def test_areas_days_and_numbers():
    assert words.area_words(0.05) == "500 m²"
    assert words.area_words(0.5) == "0.50 hectares"
    assert words.area_words(11.75) == "11.8 hectares"
    assert words.day_words("2024-05-31") == words.day_words(date(2024, 5, 31)) == "31 May 2024"
    assert words.day_words("about 2019") == "about 2019"
    assert words.telephone_link("020 7527 2000") == "tel:02075272000"


def test_unknown_access_is_said_as_unknown():
    assert words.access_words(None) == words.access_words("unknown") == "Not known who may go in"


def test_the_needs_one_can_choose_are_the_dimensions_of_support():
    assert tuple(NEED_WORDS) == SUPPORT


def test_telephone_numbers_in_a_sentence_can_be_rung():
    said = words.with_telephone_links("Ring 020 7527 2000 first, or 999. <b>Not 2023</b>")
    assert 'href="tel:02075272000">020 7527 2000</a> first' in said
    assert 'href="tel:999">999</a>.' in said
    assert "&lt;b&gt;Not 2023" in said


def test_a_note_in_place_of_hours_means_ring_first():
    assert words.ring_first({"opening_note": "Closed for repairs."})
    assert not words.ring_first({"opening_note": "As in 2023.", "opening_hours": "Mo 09:00-17:00"})
    assert not words.ring_first({"opening_note": None, "opening_hours": None})


def test_lists_in_words():
    assert words.listed(["work", "money", "food"]) == "work, money and food"
    assert words.listed(["work"]) == "work"
