"""Somebody who wants the data: the addresses, the API as pages, the same as JSON, page after page."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import DESK, visit

pytestmark = pytest.mark.browser


def shown_json(page):
    return json.loads(page.locator("pre").inner_text())


def test_from_the_data_page_to_every_feature(browser, live_server, screen):
    clipboard = {"permissions": ["clipboard-read", "clipboard-write"]}
    with visit(browser, live_server, **screen, **clipboard) as visitor:
        page = visitor.page
        visitor.go("/")
        page.get_by_role("link", name="For planners").click()
        visitor.at("Use the data")
        page.get_by_role("button", name="Copy address for QGIS").click()
        expect(page.get_by_role("button", name="Copied address for QGIS")).to_be_visible()
        address = page.evaluate("navigator.clipboard.readText()")
        assert address == f"{live_server}/api"

        visitor.go(address.removeprefix(live_server))
        visitor.at(re.compile("API$"))
        page.get_by_role("link", name="The layers").click()
        visitor.at("Layers")
        page.get_by_role("main").get_by_role("link", name="Green spaces", exact=True).click()
        visitor.at("Green spaces")
        page.get_by_role("link", name="See the features").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Green spaces")
        first = page.get_by_role("rowheader").first.inner_text()
        page.get_by_role("link", name="Next page").click()
        expect(page.get_by_role("rowheader").first).not_to_have_text(first)
        visitor.look()
        page.get_by_role("rowheader").first.get_by_role("link").click()
        visitor.look()

        page.get_by_role("link", name="This page as JSON").click()
        assert shown_json(page)["type"] == "Feature"
        visitor.go("/api/collections/green-spaces/items?limit=50&f=json")
        document = shown_json(page)
        found = [feature["id"] for feature in document["features"]]
        while following := [link["href"] for link in document["links"] if link["rel"] == "next"]:
            answer = page.request.get(following[0])
            assert answer.ok
            document = answer.json()
            found += [feature["id"] for feature in document["features"]]
        assert len(found) == len(set(found)) == document["numberMatched"] > 100


def test_what_the_map_shows_is_a_request_that_can_be_kept(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        # Two layers close by: not the whole of either is in view.
        visitor.go("/map#map=15/51.52650/-0.10450&show=libraries,wards-2022")
        box = page.locator("[data-map-data]")
        box.get_by_text("This view as data").click()
        expect(box.get_by_role("listitem")).to_have_count(2)
        visitor.look()

        def asked(name):
            address = box.get_by_role("link", name=name, exact=True).get_attribute("href")
            return page.request.get(live_server + address)

        shown = [f["id"] for f in asked("GeoJSON of Libraries in view").json()["features"]]
        assert shown == ["finsbury-library"]
        assert "Clerkenwell" in asked(re.compile("^CSV of Wards .* in view$")).text()

        page.evaluate("location.hash = '#map=11/51.54500/-0.10500&show=libraries'")
        expect(box.get_by_role("listitem")).to_have_count(1)
        assert len(asked("GeoJSON of Libraries in view").json()["features"]) == 10
        assert asked("GeoPackage of Libraries in view").body().startswith(b"SQLite format 3")


def test_a_view_of_the_map_can_be_handed_on(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        page.add_init_script("navigator.clipboard.writeText = async () => { throw new Error('not allowed') }")
        visitor.go("/map#map=15/51.52650/-0.10450&show=libraries,wards-2022")
        box = page.locator("[data-map-share]")
        box.get_by_text("Share this view").click()
        address = box.locator("[data-map-address]")
        expect(address).to_have_text(f"{live_server}/map#map=15/51.52650/-0.10450&show=wards-2022,libraries")
        visitor.look()
        # Where the browser lets nobody write to the clipboard the address is selected, ready to be copied.
        box.get_by_role("button", name="Copy link to this view").click()
        expect(box.get_by_role("button", name="Selected: copy it now")).to_be_visible()
        assert page.evaluate("getSelection().toString().trim()") == address.inner_text()
        box.get_by_role("link", name="South").click()
        expect(address).to_have_text(re.compile(r"#map=14/51\.5[23]\d+/-0\.[01]\d+&show="))
        expect(
            page.locator("[data-map-list-items]").get_by_role("link", name="Finsbury Library")
        ).to_be_visible()


def test_a_mistyped_filter_says_what_was_meant(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        visitor.go("/api/collections/libraries/items?localty=South", 400)
        problem = shown_json(visitor.page)
        assert problem["status"] == 400
        assert problem["errors"][0]["parameter"] == "localty"
        assert "locality" in problem["errors"][0]["hint"]
        visitor.go("/api/collections/libraries/items?locality=South")
        visitor.go("/api/collections/libraris", 404)


@pytest.mark.parametrize(
    "path",
    ["/api/conformance", "/api/collections/wards-2002", "/api/collections/hubs/items", "/api/docs/libraries"],
)
def test_the_other_pages_of_the_api(browser, live_server, screen, path):
    with visit(browser, live_server, **screen) as visitor:
        visitor.go(f"{path}?f=html")
        visitor.look()


def test_a_page_that_is_not_there_shows_the_way(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        visitor.go("/no-such-page", 404)
        visitor.at("We could not find that page")
        visitor.page.get_by_role("main").get_by_role("link", name="See all places that can help").click()
        visitor.at("All places that can help")
