"""Reading parameters: what is understood, and what is refused with a reason."""

import base64
import json
from datetime import UTC, datetime

import pytest

from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.features import read_feature
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.paging import Cursor, decode_cursor, encode_cursor, parse_sort
from mapservice.layers.query import (
    CRS84,
    Box,
    FeatureQuery,
    parse_bbox,
    parse_crs,
    parse_integer,
    parse_interval,
    parse_value,
    suggest,
)
from mapservice.register.borough import read_borough

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.mark.parametrize(
    "text, box",
    [
        ("-0.2,51.5,-0.1,51.6", (-0.2, 51.5, -0.1, 51.6)),
        ("-0.2,51.5,0,-0.1,51.6,100", (-0.2, 51.5, -0.1, 51.6)),
        ("170,-10,-170,10", (170, -10, -170, 10)),
        ("-1e-1,51.5,1E0,51.6", (-0.1, 51.5, 1, 51.6)),
    ],
)
def test_bbox_is_read(text, box):
    assert parse_bbox(text) == Box(*box, srid=4326)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "four numbers"),
        ("1,2,3", "four numbers"),
        ("1,2,3,4,5", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("nan,0,1,1", "not a number"),
        ("0,0,inf,1", "not a number"),
        ("0,52,1,51", "south edge"),
        ("0,0,181,1", "longitudes"),
        ("0,-91,1,1", "longitudes"),
    ],
)
def test_bbox_is_refused_with_a_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_bbox(text)


def test_bbox_in_metres_may_not_be_reversed():
    assert parse_bbox("530000,180000,531000,181000", EPSG + "27700").srid == 27700
    with pytest.raises(ValueError, match="west edge"):
        parse_bbox("531000,180000,530000,181000", EPSG + "27700")


def test_bbox_in_epsg_4326_has_latitude_first():
    assert parse_bbox("51.5,-0.2,51.6,-0.1", EPSG + "4326") == Box(-0.2, 51.5, -0.1, 51.6, 4326)


@pytest.mark.parametrize("text", [EPSG + "27700", "EPSG:27700", "[EPSG:27700]", "epsg:27700"])
def test_crs_is_understood_in_its_usual_forms(text):
    assert parse_crs(text) == EPSG + "27700"


def test_unknown_crs_is_refused_and_the_known_ones_named():
    with pytest.raises(ValueError, match="27700"):
        parse_crs("EPSG:2154")
    assert parse_crs("CRS84") == CRS84


@pytest.mark.parametrize(
    "text, start, end",
    [
        ("2024-05-31T09:00:00Z", datetime(2024, 5, 31, 9, tzinfo=UTC), datetime(2024, 5, 31, 9, tzinfo=UTC)),
        (
            "2024-05-31",
            datetime(2024, 5, 31, tzinfo=UTC),
            datetime(2024, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        ("2024-05-31/..", datetime(2024, 5, 31, tzinfo=UTC), None),
        ("/2024-05-31T10:00:00+01:00", None, datetime(2024, 5, 31, 9, tzinfo=UTC)),
        ("../..", None, None),
        ("2018-02-12/P2D", datetime(2018, 2, 12, tzinfo=UTC), datetime(2018, 2, 14, tzinfo=UTC)),
        ("2024-01-31/P1M", datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
        (
            "P1Y2W/2024-05-31T10:00:00Z",
            datetime(2023, 5, 17, 10, tzinfo=UTC),
            datetime(2024, 5, 31, 10, tzinfo=UTC),
        ),
        (
            "2018-02-12T00:00:00Z/P1M6DT12H31M12S",
            datetime(2018, 2, 12, tzinfo=UTC),
            datetime(2018, 3, 18, 12, 31, 12, tzinfo=UTC),
        ),
    ],
)
def test_interval_is_read(text, start, end):
    interval = parse_interval(text)
    assert (interval.start, interval.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2024-13-01", "2024-02-30", "2024-05-02/2024-05-01", "a/b/c", "2024-05-31T25:00:00Z"],
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"date|instant|start"):
        parse_interval(text)


@pytest.mark.parametrize("text", ["", "ten", "1.5", "٣", "1e3"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(ValueError, match="whole number"):
        parse_integer(text, 1)


def test_a_number_over_the_most_is_taken_as_the_most():
    assert parse_integer("999999", 1, 10_000) == 10_000
    with pytest.raises(ValueError, match="1 or more"):
        parse_integer("0", 1)


@pytest.mark.parametrize(
    "kind, text, value",
    [("integer", "-4", -4), ("number", "2.5", 2.5), ("boolean", "TRUE", True), ("string", "a'b", "a'b")],
)
def test_filter_values_take_the_type_of_the_property(kind, text, value):
    assert parse_value(Property("p", kind, "P"), text) == value


@pytest.mark.parametrize(
    "kind, text",
    [("integer", "x"), ("number", "nan"), ("boolean", "yes"), ("date", "2024-02-31"), ("string", "\0")],
)
def test_filter_values_of_the_wrong_type_are_refused(kind, text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_value(Property("p", kind, "P"), text)


def test_a_value_that_is_none_of_the_known_ones_gets_a_hint():
    with pytest.raises(ValueError, match="did you mean open-to-all"):
        parse_value(
            Property("access", "string", "Access", values=("open-to-all", "no-access")), "open-for-all"
        )
    assert suggest("categry", ["category", "kind"]) == "did you mean category?"


@pytest.fixture(scope="module")
def layers(settings):
    return build_catalogue(read_borough(settings.geodata_dir))


def test_a_cursor_holds_for_its_own_layer_and_order_only(layers):
    libraries, hubs = layers.get("libraries"), layers.get("hubs")
    by_name = parse_sort(libraries, "-name")
    place = Cursor(("Finsbury Library", "finsbury-library"), backward=True)
    token = encode_cursor(libraries, by_name, place)
    assert decode_cursor(libraries, by_name, token) == place
    wrong = [
        (hubs, parse_sort(hubs, "-name"), token),
        (libraries, (), token),
        (libraries, parse_sort(libraries, "name"), token),
        *((libraries, by_name, text) for text in ("%%%", "", "W10", "é", "x" * 10_000, token[:-3])),
    ]
    for layer, sort, text in wrong:
        with pytest.raises(ValueError, match="cursor"):
            decode_cursor(layer, sort, text)


@pytest.mark.parametrize("text", ["", "nme", "name,name", "categories", "name;drop"])
def test_an_order_that_cannot_be_is_refused(layers, text):
    with pytest.raises(ValueError, match=r"cannot be sorted by|twice"):
        parse_sort(layers.get("libraries"), text)


@pytest.mark.parametrize(
    "order, value",
    [
        ("confirmed_on", "9999-99-99"),
        ("confirmed_on", "0000-01-01"),
        ("updated_at", "2024-01-01 99:00:00+00"),
        ("name", "\ud800"),
    ],
)
def test_a_forged_cursor_never_reaches_the_database(layers, order, value):
    layer = layers.get("libraries")
    sort = parse_sort(layer, order)
    raw = json.dumps([layer.id, order, 0, value, "x"]).encode()
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(layer, sort, base64.urlsafe_b64encode(raw).decode().rstrip("="))


@pytest.mark.parametrize("value", ["1e999", "1_0", "١", "nan", "infinity", ""])
def test_a_forged_number_in_a_cursor_is_refused(layers, value):
    layer = layers.get("green-spaces")
    sort = parse_sort(layer, "area_ha")
    raw = json.dumps([layer.id, "area_ha", 0, value, "x"]).encode()
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(layer, sort, base64.urlsafe_b64encode(raw).decode().rstrip("="))


@pytest.mark.parametrize("text", ["--5", "-", "+5", "5.0", "", "\u00b2", "\u0665", "9" * 5000, str(2**63)])
def test_what_is_no_number_names_no_feature_of_a_layer_with_numbers(text):
    numbered = Layer("n", "N", "", "layers.n", "point", (), Style("#123456", "circle"), id_type="bigint")
    nothing_is_asked = None
    assert read_feature(nothing_is_asked, numbered, text, FeatureQuery(), "") is None
