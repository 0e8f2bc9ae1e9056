"""OWSLib, the library of planners' scripts: collections, pages, boxes, filters, and changes."""

import json
import urllib.request

import pytest
from owslib.ogcapi.features import Features

from mapservice.accounts.account import put_program
from mapservice.accounts.tokens import issue_token


@pytest.fixture(scope="module")
def service(live_server):
    return Features(f"{live_server}/api", headers={"Accept": "application/json"})


def test_it_finds_the_layers(service):
    assert "libraries" in service.feature_collections()
    assert service.collection("libraries")["title"] == "Libraries"
    assert any("ogcapi-features-1/1.0/conf/core" in each for each in service.conformance()["conformsTo"])
    assert service.api()["openapi"].startswith("3.0")


def test_it_reads_and_pages(service):
    page = service.collection_items("assets", limit=10)
    assert page["numberReturned"] == len(page["features"]) == 10
    rest = service.collection_items("assets", limit=10, offset=10)
    assert not {f["id"] for f in page["features"]} & {f["id"] for f in rest["features"]}


def test_it_asks_for_a_box_and_for_properties(service):
    inside = service.collection_items("libraries", bbox=[-0.11, 51.52, -0.10, 51.53])
    assert [f["id"] for f in inside["features"]] == ["finsbury-library"]
    named = service.collection_items("assets", ods_code="F83004")
    assert [f["id"] for f in named["features"]] == ["archway-medical-centre"]


def test_it_reads_one_feature(service):
    assert (
        service.collection_item("libraries", "finsbury-library")["properties"]["name"] == "Finsbury Library"
    )


def test_it_filters_by_what_can_be_queried(service):
    assert "name" in service.collection_queryables("libraries")["properties"]
    found = service.collection_items("libraries", filter="name LIKE 'Finsbury%'")
    assert [f["id"] for f in found["features"]] == ["finsbury-library"]


def test_it_creates_replaces_and_deletes(make_database, serve):
    place = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-0.1045, 51.5265]},
        "properties": {"name": "Example Hall", "categories": ["community-centre"]},
    }
    with make_database() as database:
        with database.session("tests", as_owner=True) as session:
            put_program(session, "ada", "Ada", may_edit=True)
            token = issue_token(session, "ada", "tests")
        with serve(database) as address:
            given = {"Authorization": f"Bearer {token}", "Content-Type": "application/geo+json"}
            home = f"{address}/api"
            assert Features(home, headers=given).collection_item_create("assets", json.dumps(place))
            found = Features(home).collection_items("assets", name="Example Hall")["features"]
            (made,) = (feature["id"] for feature in found)

            def held():
                item = urllib.request.urlopen(f"{home}/collections/assets/items/{made}", timeout=30)
                return {**given, "If-Match": item.headers["ETag"]}

            changed = {**place, "properties": {**place["properties"], "note": "Moved"}}
            assert Features(home, headers=held()).collection_item_update("assets", made, json.dumps(changed))
            assert Features(home).collection_item("assets", made)["properties"]["note"] == "Moved"
            with pytest.raises(RuntimeError):  # without If-Match somebody else's change could be lost
                Features(home, headers=given).collection_item_delete("assets", made)
            assert Features(home, headers=held()).collection_item_delete("assets", made)
            assert Features(home).collection_items("assets", name="Example Hall")["features"] == []
