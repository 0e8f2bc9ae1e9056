"""Symbols: told apart without colour, readable, and allowed by a strict content security policy."""

from xml.etree import ElementTree

import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.layer import Style
from mapservice.maps import symbol_svg
from mapservice.register.borough import read_borough
from mapservice.settings import REPOSITORY

LAYERS = list(build_catalogue(read_borough(REPOSITORY / "geodata")))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)
def test_a_symbol_is_well_formed_and_hidden_from_screen_readers(layer):
    drawn = symbol_svg(layer.style)
    assert ElementTree.fromstring(drawn).get("aria-hidden") == "true"  # noqa: S314 - our own text
    assert "style=" not in drawn


def test_kinds_differ_in_more_than_colour():
    told_apart = {(layer.style.symbol, layer.style.letter, layer.style.dashed) for layer in LAYERS}
    points = [layer for layer in LAYERS if layer.style.symbol not in ("outline", "area")]
    assert len({(p.style.symbol, p.style.letter) for p in points}) == len(points)
    # Of the outlines some may be alike in shape: each has its name written on the map.
    outlines = [layer for layer in LAYERS if layer.style.symbol == "outline"]
    assert len(told_apart) >= len(LAYERS) - len(outlines) + 2


@pytest.mark.parametrize("colour, ink", [("#ffdd00", "#0b0c0c"), ("#003078", "#fff"), ("#000000", "#fff")])
def test_the_letter_stands_out_from_its_ground(colour, ink):
    assert f'fill="{ink}">L</text>' in symbol_svg(Style(colour, "circle", "L"))


def test_a_letter_cannot_be_markup():
    assert "<script" not in symbol_svg(Style("#003078", "circle", "<script>"))
