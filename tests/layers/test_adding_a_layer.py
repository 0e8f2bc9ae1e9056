"""One declaration puts a layer on every surface."""

from dataclasses import replace

import pytest

from mapservice import create_app
from mapservice.layers.layer import Layer, Property, Style
from mapservice.layers.naming import BadLayer

PARKS_OF_AN_ACRE = Layer(
    id="acre-parks",
    title="Parks of an acre or more",
    description="Green spaces of at least 0.4 ha.",
    relation="layers.green_spaces",
    where="f.area_ha >= 0.4",
    geometry_kind="polygon",
    properties=(
        Property("name", "string", "Name"),
        Property("area_ha", "number", "Area", unit="ha"),
    ),
    style=Style("#123456", "area", "A"),
)


@pytest.mark.parametrize(
    "names, told",
    [
        (("name", "limit"), "'limit' is a parameter of the API"),
        (("as_of",), "rename it, or declare it with filterable=False"),
        (("name", "name"), "two properties are called 'name'"),
        (("geometry",), "what filters call the geometry"),
    ],
)
def test_a_name_that_would_mean_two_things_is_refused_at_once(names, told):
    with pytest.raises(BadLayer, match="layer acre-parks: ") as refused:
        replace(PARKS_OF_AN_ACRE, properties=tuple(Property(name, "string", name) for name in names))
    assert told in str(refused.value)


def test_a_property_that_nobody_filters_by_may_be_called_like_a_parameter():
    only_shown = Property("limit", "integer", "Speed limit", filterable=False)
    assert replace(PARKS_OF_AN_ACRE, properties=(only_shown,)).find_property("limit") is only_shown


@pytest.fixture
def wider(settings, database):
    app = create_app(settings, database)
    app.extensions["catalogue"] = app.extensions["catalogue"].with_layer(PARKS_OF_AN_ACRE)
    return app.test_client()


def test_it_is_a_collection_with_items(wider, database):
    with database.reading() as cursor:
        (truth,) = cursor.execute("SELECT count(*) FROM layers.green_spaces WHERE area_ha >= 0.4").fetchone()
    assert wider.get("/api/collections/acre-parks").get_json()["numberOfFeatures"] == truth > 5
    page = wider.get("/api/collections/acre-parks/items?limit=3").get_json()
    assert page["numberMatched"] == truth
    assert page["features"][0]["properties"].keys() == {"name", "area_ha"}
    assert wider.get(f"/api/collections/acre-parks/items/{page['features'][0]['id']}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/collections?f=html",
        "/api/openapi.json",
        "/api/collections/acre-parks/items?f=html",
        "/data",
        "/map",
    ],
)
def test_it_is_named_on_every_surface(wider, path):
    response = wider.get(path)
    assert response.status_code == 200
    assert "acre-parks" in response.text
