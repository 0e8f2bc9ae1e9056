"""In Chromium: the way to a place drawn on the map of an answer, from this server alone."""

import pytest

from tests.journeys.visitor import DESK, PHONE, visit

pytestmark = pytest.mark.browser


def test_the_way_to_a_place_is_drawn_when_asked_for(browser, serve, walked):
    with serve(walked) as home:
        for screen in (PHONE, DESK):
            with visit(browser, home, **screen) as visitor:
                visitor.go("/find?postcode=N1+9JP")
                draw_the_first(visitor.page)


def draw_the_first(page):
    page.locator(".app-map--ready").wait_for()
    assert "Contains OS data" in page.locator(".app-columns").inner_text(), "whose distances these are"
    place = page.locator("[data-map-walk]").first
    name = place.get_attribute("data-map-name")
    place.get_by_role("button", name=f"Show the way on the map to {name}").focus()
    page.keyboard.press("Enter")
    said = page.locator("[data-map-status]").filter(has_text=f"{name}: ")
    said.wait_for()
    assert "on foot" in said.inner_text()
    assert page.locator(".app-map path[stroke='#1d4f91']").count() == 1
    assert "Contains OS data" in page.locator(".leaflet-control-attribution").inner_text()


def test_without_a_network_no_way_is_offered(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        visitor.go("/find?postcode=N1+9JP")
        visitor.page.locator(".app-map--ready").wait_for()
        assert visitor.page.locator("[data-map-walk]").count() == 0
        assert "in a straight line" in visitor.page.content()
