"""The small map on paper: drawn to scale, every number to be read."""

import math
import re

import pytest

from mapservice.maps.drawn import APART, draw_map

ANGEL = (-0.1058, 51.5322)


@pytest.fixture(scope="module")
def drawn(app, database):
    layers = [layer for layer in app.extensions["catalogue"] if layer.style.shown]

    def draw(places):
        with database.reading() as cursor:
            return draw_map(cursor, layers, ("public",), ANGEL, list(enumerate(places, 1)), 'A "map"')

    return draw


def circles(svg):
    return [tuple(map(int, found)) for found in re.findall(r'<circle cx="(\d+)" cy="(\d+)"', svg)]


def test_outlines_of_the_layers_are_drawn_and_the_label_is_escaped(drawn):
    svg = drawn([(-0.11, 51.535)]).svg
    assert 'class="app-drawn__area" fill="#d5e5d2"' in svg
    assert 'class="app-drawn__line" fill="none"' in svg
    assert 'aria-label="A &quot;map&quot;"' in svg
    assert "style=" not in svg


def test_places_at_one_spot_are_told_apart(drawn):
    svg = drawn([(-0.1062, 51.5324)] * 5).svg
    at = circles(svg)
    assert len(at) == 5
    assert min(math.dist(a, b) for a in at for b in at if a != b) > APART
    assert len(set(at)) == 5


def test_a_place_too_far_to_walk_is_not_on_the_map_and_does_not_shrink_it(drawn):
    near = drawn([(-0.11, 51.535)])
    both = drawn([(-0.11, 51.535), (-0.3, 51.6)])
    assert both.on_it == near.on_it == {1}
    assert circles(both.svg) == circles(near.svg)


def test_the_bar_is_as_long_as_it_says(drawn):
    svg = drawn([(ANGEL[0], ANGEL[1] + 0.009)]).svg  # 1,001 m north
    length = int(re.search(r"M40 960v-20h(\d+)v20", svg)[1])
    said = re.search(r">(\d+) (m|km)</text></g></svg>", svg)
    metres = int(said[1]) * (1000 if said[2] == "km" else 1)
    [(_, y)] = circles(svg)
    assert (500 - y) / length * metres == pytest.approx(1001, rel=0.02)


def test_an_area_that_is_to_be_seen_is_on_the_map_without_a_number(drawn, app, database):
    layers = [app.extensions["catalogue"].get(name) for name in ("green-spaces", "potential-green-spaces")]
    corner = (ANGEL[0] + 0.02, ANGEL[1] + 0.012)
    with database.reading() as cursor:
        wide = draw_map(cursor, layers, ("public",), ANGEL, [], "Map", also=[corner], marked=False).svg
    assert "stroke-dasharray" in wide, "what could become green is told from what is"
    assert "<circle" not in wide
    assert re.search(r">1 km</text>", wide)
