"""The network in its meeting: from the list of green spaces to an order of its own, on phone and desk."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import visit

pytestmark = pytest.mark.browser
# Not as a phone: a phone shrinks a page that is too wide until it fits, and so hides that it is.
NARROW = {"viewport": {"width": 320, "height": 640}}


def test_weights_make_an_order_that_can_be_shared(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/green-spaces")
        page.get_by_role("link", name="Which potential green space first?").click()
        visitor.at("Which green space first?")
        slider = page.get_by_role("slider", name="Deprivation where they live")
        slider.focus()
        page.keyboard.press("End")
        for name in ("Residents who gain", "Cost is known", "The owner is a public body"):
            page.get_by_role("slider", name=name).focus()
            page.keyboard.press("Home")
        page.get_by_role("button", name="Show the order").click()
        expect(page.get_by_text("deprivation where they live 100%")).to_be_visible()
        visitor.look()
        order = page.get_by_role("rowheader").all_inner_texts()
        page.get_by_role("link", name="link to this very order").click()
        assert page.get_by_role("rowheader").all_inner_texts() == order
        page.get_by_role("rowheader").first.get_by_role("link").click()
        expect(page.get_by_role("heading", name="What opening this would change")).to_be_visible()
        visitor.look()


def test_the_pages_fit_the_narrowest_phone(browser, live_server):
    with visit(browser, live_server, **NARROW) as visitor:
        visitor.go("/green-spaces/first")
        visitor.at("Which green space first?")
        visitor.go("/green-spaces/access")
        visitor.at("Who has a green space near")
        expect(visitor.page.get_by_role("table")).to_have_count(3)


def test_the_order_can_be_read_on_a_phone_and_on_a_desk(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/green-spaces/first")
        table = page.get_by_role("table")
        width = page.viewport_size["width"]
        first = table.locator("tbody").first
        for part in (table.locator("caption"), *first.locator("tr").first.locator("td, th").all()):
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        # What the figures are is said beside them where the head of the table does not show.
        if visitor.on_phone:
            assert re.search(r"Score of 100\s*\d", first.inner_text())
            assert re.search(r"Residents who gain\s*[\d,]+", first.inner_text())
        else:
            expect(table.get_by_role("columnheader")).to_have_count(6)
        folded = first.get_by_text("Residents within 200 m")
        expect(folded).to_be_hidden()
        first.get_by_text("More figures").click()
        expect(folded).to_be_visible()
        visitor.look()


def test_it_works_without_javascript(browser, live_server):
    with visit(browser, live_server, java_script_enabled=False) as visitor:
        page = visitor.page
        page.goto(f"{live_server}/green-spaces/first")
        page.get_by_label("Spaces in").select_option("South")
        page.get_by_role("button", name="Show the order").click()
        expect(page).to_have_url(re.compile("locality=South"))
        expect(page.get_by_role("rowheader")).to_have_count(2)
