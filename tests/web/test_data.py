"""The catalogue for data portals: DCAT-AP in JSON-LD, read by an RDF library as a harvester would."""

import re
from datetime import datetime

import pytest
from rdflib import DCAT, DCTERMS, FOAF, RDF, Graph, URIRef
from shapely import wkt

from mapservice.layers.formats import FORMATS


@pytest.fixture(scope="module")
def graph(app):
    response = app.test_client().get("/data", headers={"Accept": "application/ld+json"})
    assert response.content_type == "application/ld+json"
    assert "Accept" in response.vary
    return Graph().parse(data=response.text, format="json-ld")


def dataset(graph, layer):
    (found,) = (node for node in graph.subjects(RDF.type, DCAT.Dataset) if f"/{layer}#" in node)
    return found


def test_the_page_is_for_people_and_points_to_the_catalogue(client):
    page = client.get("/data")
    assert page.content_type.startswith("text/html")
    assert 'rel="alternate"; type="application/ld+json"' in page.headers["Link"]
    address = "/data?f=jsonld"
    assert f'href="{address}"' in page.text
    assert client.get(address).content_type == "application/ld+json"
    assert client.get("/data?f=html", headers={"Accept": "application/ld+json"}).mimetype == "text/html"
    landing = client.get("/api").get_json()["links"]
    assert any(x["href"].endswith(address) and x["rel"] == "describedby" for x in landing)


def test_it_has_what_the_profile_asks_of_every_catalogue_dataset_and_distribution(graph):
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    for wanted in (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.dataset, DCTERMS.license):
        assert graph.value(catalogue, wanted, any=True), wanted
    (publisher,) = graph.objects(catalogue, DCTERMS.publisher)
    assert graph.value(publisher, FOAF.name)
    datasets = set(graph.subjects(RDF.type, DCAT.Dataset))
    assert datasets == set(graph.objects(catalogue, DCAT.dataset))
    service = graph.value(catalogue, DCAT.service)
    assert graph.value(service, DCAT.endpointURL)
    assert datasets == set(graph.objects(service, DCAT.servesDataset))
    for each in datasets:
        for wanted in (
            DCTERMS.title, DCTERMS.description, DCTERMS.license, DCTERMS.rights, DCTERMS.modified,
            DCTERMS.spatial, DCAT.keyword, DCTERMS.accessRights,
        ):  # fmt: skip
            assert graph.value(each, wanted, any=True), (each, wanted)
        distributions = list(graph.objects(each, DCAT.distribution))
        assert len(distributions) == len(FORMATS)
        for one in distributions:
            assert isinstance(graph.value(one, DCAT.accessURL), URIRef)
            assert graph.value(one, DCTERMS.license)
            assert graph.value(one, DCTERMS.format)


def test_every_dataset_is_a_layer_that_is_there(graph, client):
    listed = {c["id"] for c in client.get("/api/collections").get_json()["collections"]}
    named = {str(graph.value(each, DCTERMS.identifier)) for each in graph.subjects(RDF.type, DCAT.Dataset)}
    assert named == listed
    for each in graph.objects(dataset(graph, "libraries"), DCAT.distribution):
        address = graph.value(each, DCAT.accessURL)
        assert client.head(str(address).removeprefix("http://localhost")).status_code == 200


def test_where_and_when_are_those_of_the_layer(graph, client):
    wards = dataset(graph, "wards-2002")
    outline = graph.value(graph.value(wards, DCTERMS.spatial), DCAT.bbox)
    extent = client.get("/api/collections/wards-2002").get_json()["extent"]
    assert wkt.loads(str(outline)).bounds == pytest.approx(extent["spatial"]["bbox"][0], abs=1e-5)
    period = graph.value(wards, DCTERMS.temporal)
    assert str(graph.value(period, DCAT.startDate)).startswith("2002-05-02")
    assert str(graph.value(period, DCAT.endDate)).startswith("2022-05-05")
    libraries = dataset(graph, "libraries")
    assert graph.value(libraries, DCTERMS.temporal) is None  # when rows changed is not what they are about
    assert isinstance(graph.value(libraries, DCTERMS.modified).toPython(), datetime)


def test_examples_are_told_apart_from_what_is_real(client):
    page = client.get("/data").text
    every = client.get("/api/collections/potential-green-spaces/items?limit=1000").get_json()["features"]
    examples = [one for one in every if one["properties"]["demonstration"]]
    assert examples
    assert f"of which {len(examples)} are made-up examples" in page
    address = re.search(r"http://localhost(/api/[^<]*demonstration=false)", page)[1]
    left = client.get(address).get_json()
    assert left["numberMatched"] > 0 or left["features"] == []
    assert not any(one["properties"]["demonstration"] for one in left["features"])


def test_the_page_leads_to_the_past_and_to_csv(client):
    page = client.get("/data").text
    excel = page[page.index('id="excel"') : page.index('id="notebook"')]
    assert excel.index("f=csv") < excel.index("Advanced Editor")
    for found in re.findall(r"http://localhost(/api/[^<]*(?:as_of=|/changes)[^<]*)<", page):
        assert client.get(found).status_code == 200, found
    assert "as_of=" in page
    assert "/changes<" in page
