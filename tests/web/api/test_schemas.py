"""What a layer tells of itself: queryables, sortables and schema, as JSON Schema and as pages."""

import pytest
from jsonschema import Draft202012Validator

RESOURCES = ("queryables", "sortables", "schema")
RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"


def layer_ids(client):
    return [c["id"] for c in client.get("/api/collections").get_json()["collections"]]


def describe(client, layer, resource):
    response = client.get(f"/api/collections/{layer}/{resource}")
    assert response.status_code == 200
    assert response.content_type == "application/schema+json"
    return response.get_json()


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_layer_describes_itself_in_valid_json_schema(client, resource):
    for layer in layer_ids(client):
        document = describe(client, layer, resource)
        Draft202012Validator.check_schema(document)
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert document["$id"].endswith(f"/api/collections/{layer}/{resource}")
        assert document["type"] == "object"
        assert document["additionalProperties"] is False
        for name, schema in document["properties"].items():
            assert schema["title"]
            assert ("type" in schema) is (name != "geometry"), name
        accepted = client.get(document["$id"], headers={"Accept": "application/schema+json"})
        assert accepted.get_json() == document


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_collection_links_to_them_and_they_are_pages_too(client, resource):
    links = {x["rel"]: x for x in client.get("/api/collections/assets").get_json()["links"]}
    there = links[RELATION + resource]
    assert there["type"] == "application/schema+json"
    assert client.get(there["href"]).status_code == 200
    page = client.get(there["href"], headers={"Accept": "text/html"})
    assert page.content_type.startswith("text/html")
    assert "Finsbury" not in page.text
    assert "<code>name</code>" in page.text


@pytest.mark.parametrize("resource", RESOURCES)
def test_they_take_no_parameters_and_belong_to_a_layer(client, resource):
    assert client.get(f"/api/collections/nowhere/{resource}").status_code == 404
    assert client.get(f"/api/collections/assets/{resource}?limit=1").status_code == 400


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_roles_are_as_the_standard_allows_them(client, resource):
    """Annex A of Common Part 3: schemas/role-id, advanced-property-roles and the annotations of units."""
    single = ("id", "primary-geometry", "primary-instant", "primary-interval-start", "primary-interval-end")
    for layer in layer_ids(client):
        roles = {}
        for name, schema in describe(client, layer, resource)["properties"].items():
            if "x-ogc-role" in schema:
                roles.setdefault(schema["x-ogc-role"], []).append(schema)
            if "x-ogc-unit" in schema:
                assert schema["type"] in ("number", "integer"), (layer, name)
        assert set(roles) <= set(single), layer
        assert all(len(schemas) == 1 for schemas in roles.values()), (layer, roles)
        if resource != "sortables":
            assert "id" in roles, layer
            assert "primary-geometry" in roles, layer
        for geometry in roles.get("primary-geometry", ()):
            assert "type" not in geometry
            assert geometry["format"].startswith("geometry-")
        times = [role for role in roles if role.startswith("primary-in")]
        assert times == ["primary-instant"] or "primary-instant" not in times, layer
        formats = {schema["format"] for role in times for schema in roles[role]}
        assert formats <= {"date", "date-time"}
        assert len(formats) <= 1, layer


def test_the_classes_that_are_declared_are_those_of_the_standard_and_hold(client):
    """Not `returnables-and-receivables`: what breaks the schema is refused with 422, where it wants 400."""
    declared = client.get("/api/conformance").get_json()["conformsTo"]
    part = "http://www.opengis.net/spec/ogcapi-common-3/1.0/conf/"
    assert {uri.removeprefix(part) for uri in declared if uri.startswith(part)} == {
        "schemas",
        "advanced-property-roles",
        "queryables",
        "sortables",
    }


def test_roles_units_and_values_are_told(client):
    wards = describe(client, "wards-2022", "schema")["properties"]
    assert wards["id"]["x-ogc-role"] == "id"
    assert wards["geometry"] == {
        "title": "Geometry",
        "format": "geometry-polygon-or-multipolygon",
        "x-ogc-role": "primary-geometry",
        "x-ogc-propertySeq": 2,
        "readOnly": True,
    }
    assert wards["valid_from"]["x-ogc-role"] == "primary-interval-start"
    assert wards["valid_to"]["x-ogc-role"] == "primary-interval-end"
    assert wards["area_ha"]["x-ogc-unit"] == "har"
    assets = describe(client, "assets", "schema")["properties"]
    assert assets["updated_at"] | {"x-ogc-propertySeq": 0} == {
        "title": "Updated",
        "description": "When the row last changed.",
        "type": "string",
        "format": "date-time",
        "x-ogc-role": "primary-instant",
        "x-ogc-propertySeq": 0,
        "readOnly": True,
    }
    assert assets["step_free"]["enum"] == ["yes", "no", "unknown"]
    assert "work" in assets["support"]["items"]["enum"]
    assert "readOnly" not in assets["name"]


def test_a_schema_has_each_role_once_and_a_sequence_without_gaps(client):
    for layer in layer_ids(client):
        properties = describe(client, layer, "schema")["properties"]
        roles = [schema["x-ogc-role"] for schema in properties.values() if "x-ogc-role" in schema]
        assert len(roles) == len(set(roles))
        assert {"id", "primary-geometry"} <= set(roles)
        assert not {"primary-instant", "primary-interval-start"} <= set(roles)
        sequence = [schema["x-ogc-propertySeq"] for schema in properties.values()]
        assert sequence == list(range(1, len(properties) + 1))


def test_the_schema_is_that_of_the_features(client):
    for layer in layer_ids(client):
        schema = describe(client, layer, "schema")
        page = client.get(f"/api/collections/{layer}/items?limit=3").get_json()
        for feature in page["features"]:
            assert feature["properties"].keys() == schema["properties"].keys() - {"id", "geometry"}
            told = {name: value for name, value in feature["properties"].items() if value is not None}
            required = {"required": []}
            Draft202012Validator({**schema, **required}).validate({"id": feature["id"], **told})


def test_every_queryable_is_a_query_parameter_and_can_be_filtered_by(client):
    for layer in layer_ids(client):
        for name, schema in describe(client, layer, "queryables")["properties"].items():
            url = f"/api/collections/{layer}/items"
            response = client.get(url, query_string={"filter": f'"{name}" IS NULL', "limit": "1"})
            assert response.status_code == 200, response.text
            if name != "geometry":
                sample = {"number": "1", "integer": "1", "boolean": "true"}.get(schema["type"], "2024-05-31")
                value = schema.get("enum", schema.get("items", {}).get("enum", [sample]))[0]
                assert client.get(url, query_string={name: value}).status_code == 200


def test_every_sortable_can_be_sorted_by(client):
    for layer in layer_ids(client):
        for name in describe(client, layer, "sortables")["properties"]:
            for sign in ("", "-", "+"):
                response = client.get(
                    f"/api/collections/{layer}/items", query_string={"sortby": sign + name, "limit": "1"}
                )
                assert response.status_code == 200, response.text


def test_openapi_names_the_parameters_and_the_resources(client):
    paths = client.get("/api/openapi.json").get_json()["paths"]
    parameters = {p["name"] for p in paths["/collections/assets/items"]["get"]["parameters"]}
    assert {"filter", "filter-lang", "filter-crs", "sortby", "properties", "exclude-properties"} <= parameters
    assert {"skip-geometry", "id", "name", "categories"} <= parameters
    for resource in RESOURCES:
        assert f"/collections/assets/{resource}" in paths
