"""Single values: each has one agreed form, and what cannot be right is refused with a reason."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapservice.sources import checks
from mapservice.sources.checks import Refused


@pytest.mark.parametrize(
    "given_,wanted",
    [
        ("n19jp", "N1 9JP"),
        ("  EC1V   4NB ", "EC1V 4NB"),
        ("WC1X9EY", "WC1X 9EY"),
        ("w1a 1aa", "W1A 1AA"),
        ("N19-5PH", "N19 5PH"),
    ],
)
def test_postcodes_have_one_spelling(given_, wanted):
    assert checks.postcode(given_) == wanted


@pytest.mark.parametrize("wrong", ["", "N1", "N1 9J", "N1 9JPP", "1N 9JP", "N1 JP9", "ÑN1 9JP", "N1 9JP;"])
def test_what_is_no_postcode_is_refused(wrong):
    with pytest.raises(Refused):
        checks.postcode(wrong)


@given(st.text(max_size=12))
def test_a_postcode_once_right_stays_as_it_is(value):
    try:
        right = checks.postcode(value)
    except Refused:
        return
    assert checks.postcode(right) == right
    assert checks.POSTCODE.fullmatch(right.replace(" ", ""))


@given(st.from_regex(r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}", fullmatch=True), st.booleans())
def test_case_and_spaces_of_a_postcode_do_not_matter(value, lower):
    spaced = " ".join(value.replace(" ", ""))
    assert checks.postcode(spaced.lower() if lower else spaced) == checks.postcode(value)


@pytest.mark.parametrize(
    "given_,wanted",
    [
        ("020 72720111", "020 7272 0111"),
        ("+44 20 7272 0111", "020 7272 0111"),
        ("+44 (0)20 7272 0111", "020 7272 0111"),
        ("0044 20 7272 0111", "020 7272 0111"),
        ("01632960001", "01632 960001"),
        ("0113 4960000", "0113 496 0000"),
        ("0300 123 1234", "0300 123 1234"),
        ("07700900123", "07700 900123"),
        ("999", "999"),
        ("116 123", "116 123"),
    ],
)
def test_telephone_numbers_have_one_spelling(given_, wanted):
    assert checks.phone(given_) == wanted


@pytest.mark.parametrize(
    "wrong,why",
    [
        ("2072720111", "begin with 0"),
        ("020 7272 0111 ext 4", "one telephone number"),
        ("020 7272 0111 / 0222", "one telephone number"),
        ("12", "not a UK"),
        ("+33 1 23 45 67 89", "not a UK"),
        ("020 7272 01111", "not a UK"),
    ],
)
def test_what_is_no_telephone_number_is_refused_with_a_hint(wrong, why):
    with pytest.raises(Refused, match=why):
        checks.phone(wrong)


@given(st.one_of(st.text(max_size=20), st.from_regex(r"(\+44|0)[0-9 ()-]{7,14}", fullmatch=True)))
def test_a_telephone_number_once_right_stays_as_it_is(value):
    try:
        right = checks.phone(value)
    except Refused:
        return
    assert checks.phone(right) == right
    assert set(right) <= set("0123456789 ")


@pytest.mark.parametrize(
    "right",
    [
        "24/7",
        "Mo-Fr 09:00-17:00",
        "Mo 09:30-20:00; We 09:30-20:00; Fr 09:30-17:00; Sa 09:30-17:00",
        "Mo,We,Fr 09:00-12:00",
        "Mo-Fr 09:00-12:30,13:30-17:00; PH off",
        "Apr-Sep: Mo-Su 08:00-20:00; Oct-Mar: Mo-Su 08:00-16:30",
        "Dec 25-26 off",
        "Th[1] 10:00-12:00",
        "Fr 20:00-02:00",
        "Mo-Su 08:00-dusk",
        'Sa 10:00-13:00 "ring first; the bell is on the left"',
    ],
)
def test_opening_hours_as_openstreetmap_writes_them_are_kept(right):
    assert checks.opening_hours(right) == right


@pytest.mark.parametrize(
    "wrong",
    [
        "9am-5pm",
        "Monday 09:00-17:00",
        "Mo-Fr",
        "Mo 25:99-26:00",
        "Mo 09:00-09:00",
        "Mo 09:00-17:00;;",
        "Mo 9-5",
        ";",
    ],
)
def test_other_opening_hours_are_refused(wrong):
    with pytest.raises(Refused):
        checks.opening_hours(wrong)


@given(st.text(alphabet='MoTuFrSaPH0123456789:-,; "[]off/', max_size=60))
def test_opening_hours_are_kept_or_refused_and_nothing_else(value):
    with suppress(Refused):
        assert checks.opening_hours(value) == value


def test_dates_are_iso_dates_up_to_today():
    assert checks.iso_date("2025-09-30") == date(2025, 9, 30)
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    for wrong in ("30/09/2025", "2025-9-3", "2025-02-30", tomorrow, "20250930"):
        with pytest.raises(Refused):
            checks.iso_date(wrong)


def test_words_come_from_a_list_and_the_reason_suggests_the_nearest():
    check = checks.one_of(["library", "gp-site"], "category")
    assert check("library") == "library"
    with pytest.raises(Refused, match="did you mean library"):
        check("libary")
    with pytest.raises(Refused, match="one of gp-site, library"):
        check("zoo")
    assert checks.some_of(["a", "b"])(" b ; a;b;") == ["b", "a"]
    with pytest.raises(Refused, match='"c" is not known'):
        checks.some_of(["a", "b"])("a;c")


@pytest.mark.parametrize(
    "wrong", ["javascript:alert(1)", "www.example.org", "https://", "http://[", "https://a b"]
)
def test_only_absolute_web_addresses_are_taken(wrong):
    with pytest.raises(Refused):
        checks.url(wrong)


@pytest.mark.parametrize("wrong", ["nan", "inf", "1,5", "0x10", "1_000", "one"])
def test_numbers_are_finite_and_written_with_a_point(wrong):
    with pytest.raises(Refused):
        checks.number(wrong)


@given(st.text(max_size=40))
def test_an_id_made_of_a_name_is_an_id(name):
    made = checks.slug_of(name)
    assert made == "" or checks.slug(made) == made


def test_text_is_one_line_without_control_characters():
    assert checks.text("two\n lines ") == "two lines"
    with pytest.raises(Refused, match=r"U\+0007"):
        checks.text("ring \x07")
    with pytest.raises(Refused, match="longer"):
        checks.text("x" * 4001)
