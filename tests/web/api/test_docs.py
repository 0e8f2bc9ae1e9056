"""The page made of the OpenAPI document: it shows every operation, and what it offers to try works."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest


def offered(page):
    """The addresses of a page that ask the API."""
    found = (unescape(each) for each in re.findall(r'href="([^"]+)"', page))
    return list(dict.fromkeys(each for each in found if each.startswith("http://localhost/api")))


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/api/openapi.json").get_json()


def test_every_operation_is_on_a_page_with_its_parameters_and_answers(client, document):
    layers = [c["id"] for c in client.get("/api/collections").get_json()["collections"]]
    pages = "".join(client.get(f"/api/docs{part}").text for part in ["", *(f"/{each}" for each in layers)])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert f'id="{operation["operationId"]}"' in pages, (method, path)
    shown = client.get("/api/docs/libraries").text
    for words in ("skip-geometry", "1 to 10000, else 100", "application/geo+json", "If-Match", "412"):
        assert words in shown, words
    assert client.get("/api/docs/nowhere").status_code == 404


@pytest.mark.parametrize("page", ["/api/docs", "/api/docs/green-spaces", "/api/docs/wards-2022"])
def test_what_is_offered_to_try_works(client, page):
    addresses = offered(client.get(page).text)
    assert len(addresses) > 10
    for address in addresses:
        parts = urlsplit(address)
        answer = client.get(f"{parts.path}?{parts.query}", headers={"Accept": "application/json"})
        answer.close()
        assert answer.status_code in (200, 204), (address, answer.status_code)


def test_examples_are_in_the_document_too(document):
    parameters = document["paths"]["/collections/libraries/items"]["get"]["parameters"]
    examples = {each["name"]: each.get("example") for each in parameters}
    west, south, east, north = examples["bbox"]
    assert west < east
    assert south < north
    assert examples["limit"] == 5
    assert examples["step_free"] in ("yes", "no", "unknown")
    assert examples["cursor"] is None


def test_the_landing_page_leads_to_it(client):
    links = client.get("/api").get_json()["links"]
    assert any(x["rel"] == "service-doc" and x["href"].endswith("/api/docs") for x in links)
    assert 'href="http://localhost/api/docs"' in client.get("/api?f=html").text
