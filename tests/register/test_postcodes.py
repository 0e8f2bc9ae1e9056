"""Postcodes are understood however they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapservice.register.postcodes import (
    has_one_too_many,
    normalise_postcode,
    possible_postcodes,
    postcodes_within,
    without_one,
)


@pytest.mark.parametrize("typed", ["N1 9JP", "n19jp", " N1  9JP ", "N1-9JP", "n1.9jp", "N1\u00a09JP"])
def test_case_and_spaces_do_not_matter(typed):
    assert normalise_postcode(typed) == "N1 9JP"


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("NI 9JP", "N1 9JP"),
        ("ec1v 4nb", "EC1V 4NB"),
        ("N1 OAA", "N1 0AA"),
        ("N19 SPH", None),
        ("WCIX 9EY", "WC1X 9EY"),
        ("N7 6B8", "N7 6BB"),
    ],
)
def test_slips_of_o_and_i_are_forgiven(typed, meant):
    found = possible_postcodes(typed)
    assert (meant in found) if meant else not found


def test_the_literal_reading_comes_first():
    assert possible_postcodes("N1 0AA")[0] == "N1 0AA"


@pytest.mark.parametrize(
    "text, meant",
    [
        ("222 Upper Street, N1 1XR", "N1 1XR"),
        ("n1 9jp london", "N1 9JP"),
        ("Flat 3, 12 High Road N19 4ED, London", "N19 4ED"),
        ("room XN1 1XRZ", None),
        ("Finsbury Library", None),
    ],
)
def test_a_postcode_is_found_in_an_address(text, meant):
    assert postcodes_within(text)[:1] == ((meant,) if meant else ())


@pytest.mark.parametrize(
    "typed, so",
    [("N1 O9JP", True), ("ec1v 44nb ", True), ("N1 9JP", False), ("N10 9JP", False), ("N109JP", False)],
)
def test_a_gap_tells_that_the_second_half_is_too_long(typed, so):
    assert has_one_too_many(typed) is so


@given(
    st.from_regex(r"[A-Z]{1,2}[0-9] [0-9][A-Z]{2}", fullmatch=True),
    st.integers(0, 6),
    st.sampled_from("ABIJLOPZ0189"),
)
def test_a_character_too_many_anywhere_leaves_the_postcode_among_those_meant(postcode, place, added):
    typed = postcode[:place] + added + postcode[place:]
    assert postcode in without_one(typed)
    assert all(normalise_postcode(one) == one for one in without_one(typed))


@given(st.text(max_size=200))
def test_any_text_is_either_a_postcode_or_nothing(typed):
    for postcode in possible_postcodes(typed):
        assert normalise_postcode(postcode) == postcode
