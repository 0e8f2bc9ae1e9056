"""Somebody of the green-space network: the map, a green space, one that could become one, a view to share."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import PHONE, visit

pytestmark = pytest.mark.browser

SHOW_HIGHBURY_FIELDS = re.compile("Show on map.*Highbury Fields")


def map_is_there(page):
    expect(page.locator("[data-map-list-summary]")).to_have_text(re.compile(r"^\d+ places? in view"))
    # Leaflet keeps the shapes beyond the edge of the map as empty paths, and any of them may come first.
    expect(page.locator(".app-map--ready .leaflet-interactive").filter(visible=True).first).to_be_visible()


def panel(page):
    """The layers to choose from, which a phone folds away."""
    summary = page.get_by_text("Choose what to show")
    if not page.get_by_label("Libraries").is_visible():
        summary.click()
    return page.locator("[data-map-panel]")


def search(page, text, name):
    page.get_by_label("Postcode or name of a place").fill(text)
    page.locator("[data-map-search-results]").get_by_role("button", name=name).click()


def test_the_map_from_layers_to_a_shared_view(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/map")
        map_is_there(page)
        visitor.at("Map of Islington")

        layers = panel(page)
        layers.get_by_label("GP practices").uncheck()
        layers.get_by_label("Potential green spaces").check()
        page.wait_for_function("!location.hash.includes('gp-sites') && location.hash.includes('potential-')")
        visitor.look()

        search(page, "highbury fi", re.compile(r"^Highbury Fields"))
        card = page.get_by_role("dialog", name="Highbury Fields")
        expect(card).to_contain_text("Access: open to all")
        visitor.look()
        card.get_by_role("button", name="Close").click()
        expect(card).to_have_count(0)

        page.get_by_role("button", name=SHOW_HIGHBURY_FIELDS).click()
        card.get_by_role("link", name="More about this place").click()
        visitor.at("Highbury Fields")
        expect(page.locator(".app-map--ready path").first).to_be_visible()
        page.go_back()
        map_is_there(page)
        address = page.url

    with visit(browser, live_server, **PHONE) as other:
        other.go(address.removeprefix(live_server))
        map_is_there(other.page)
        layers = panel(other.page)
        expect(layers.get_by_label("GP practices")).not_to_be_checked()
        expect(layers.get_by_label("Potential green spaces")).to_be_checked()
        expect(other.page.get_by_role("button", name=SHOW_HIGHBURY_FIELDS)).to_be_visible()
        assert other.page.url == address


def test_a_demonstration_is_never_taken_for_a_real_place(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/map")
        map_is_there(page)
        search(page, "demonstration space s1", re.compile(r"^Demonstration space S1"))
        expect(panel(page).get_by_label("Potential green spaces")).to_be_checked()
        card = page.get_by_role("dialog", name=re.compile("Demonstration space S1"))
        expect(card).to_contain_text("Demonstration, not real")
        card.get_by_role("link", name="More about this place").click()
        visitor.at(re.compile(r"^Demonstration space S1"))
        expect(
            page.get_by_text("This is an example made up to show how a space is recorded.")
        ).to_be_visible()


def test_green_spaces_of_one_locality(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/")
        visitor.menu("Green spaces")
        visitor.at("Green spaces")
        everything = page.get_by_text(re.compile(r"^\d+ spaces\."))
        expect(everything).to_be_visible()
        page.get_by_label("Where").select_option("South")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text(re.compile(r"^\d+ spaces in South\."))).to_be_visible()
        visitor.look()
        places = page.locator("main .app-place")
        assert places.count() == places.filter(has_text="South").count() > 10

        page.get_by_label("Which spaces").select_option("Potential green spaces")
        page.get_by_role("button", name="Show").click()
        visitor.at("Potential green spaces")
        assert places.count() == places.filter(has_text="Demonstration, not a real place").count() == 3
        places.first.get_by_role("link").click()
        visitor.at(re.compile("^Demonstration space"))
