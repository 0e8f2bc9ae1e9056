"""The maps: made from the catalogue's declarations, small, and without a foreign address."""

import re

import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.layer import Layer, Style
from mapservice.maps import FrontendFiles, base_map, build_map
from mapservice.register.borough import read_borough
from mapservice.settings import REPOSITORY

FILES = FrontendFiles("/static/dist/map-AAAAAAAA.js", "/static/dist/map-BBBBBBBB.css")
TILES = base_map("custom", "https://tiles.example.org/{z}/{x}/{y}.png", "Tiles by Example")


@pytest.fixture(scope="module")
def catalogue():
    return build_catalogue(read_borough(REPOSITORY / "geodata"))


def build(layers, **given):
    return build_map(
        layers, files=FILES, centre=(-0.1, 51.5), zoom=13, bounds=(-0.2, 51.4, 0.0, 51.6), **given
    )


def addresses(text):
    """Foreign addresses in a script, apart from the name of the SVG vocabulary."""
    return set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text)) - {"http://www.w3.org"}


def test_every_layer_is_on_the_map_with_the_address_of_its_items(catalogue):
    script = build(catalogue).script
    for layer in catalogue:
        assert f'"/api/collections/{layer.id}/items"' in script


def test_a_layer_more_needs_no_edit_of_the_map(catalogue):
    layer = Layer(
        id="benches",
        title="Benches",
        description="",
        relation="layers.assets",
        geometry_kind="point",
        properties=(),
        style=Style("#123456", "square", "S"),
    )
    assert '"/api/collections/benches/items"' in build(catalogue.with_layer(layer)).script


def test_a_map_is_small_and_holds_no_features(catalogue):
    built = build(catalogue, base=TILES)
    assert len(built.body) + len(built.script) + len(built.style) < 30_000
    assert "coordinates" not in built.script


def test_only_the_base_map_is_foreign(catalogue):
    without, with_tiles = build(catalogue), build(catalogue, base=TILES)
    assert addresses(without.body + without.script + without.style) == set()
    assert addresses(with_tiles.script) == {"https://tiles.example.org"}
    assert without.script_urls == (FILES.script,)
    assert without.style_urls == (FILES.style,)


def test_nothing_is_left_inline(catalogue):
    body = build(catalogue).body
    assert "<script" not in body
    assert "<style" not in body
    assert "style=" not in body


def test_two_processes_serve_the_same_map_under_the_same_name(catalogue):
    assert build(catalogue) == build(catalogue)
    assert build(catalogue).script_name != build(catalogue, base=TILES).script_name


def test_the_small_map_stands_behind_a_list_and_catches_no_wheel(catalogue):
    small = build(catalogue, variant="small").script
    assert '"scrollWheelZoom": false' in small
    assert "locate" not in small
    shown = [layer for layer in catalogue if layer.geometry_kind != "point" and layer.style.shown]
    assert small.count("mapservice.layer(") == len(shown)


def test_layers_that_are_not_shown_at_first_are_declared_but_not_added(catalogue):
    script = build(catalogue).script
    assert script.count("mapservice.layer(") == len(list(catalogue))
    added = re.findall(r"server_layer_\d+\.addTo", script)
    assert len(added) == sum(layer.style.shown for layer in catalogue)


def test_a_title_cannot_break_out_of_the_script():
    hostile = Layer(
        id="x",
        title="</script><script>alert(1)</script>",
        description="",
        relation="r",
        geometry_kind="point",
        properties=(),
        style=Style("#123456", "circle", "X"),
    )
    assert "</script" not in build([hostile]).script


@pytest.mark.parametrize("kind, url, attribution", [("none", None, None), ("custom", None, None)])
def test_no_base_map_unless_one_is_fully_described(kind, url, attribution):
    assert base_map(kind, url, attribution) is None
