"""OWSLib, the library of planners' scripts: collections, pages, boxes, filters, and changes."""

import pytest
from owslib.ogcapi.features import Features


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
