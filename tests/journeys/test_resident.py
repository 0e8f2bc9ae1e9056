"""Somebody who needs help, with whatever they have: a phone, no JavaScript, only a keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import DESK, PHONE, visit

pytestmark = pytest.mark.browser

LAST_RESORT = "020 7527 2000"
PENTONVILLE = {"longitude": -0.11685, "latitude": 51.53137}


def ask(page, postcode, need=None):
    page.get_by_label("Your postcode").fill(postcode)
    if need:
        page.get_by_label(need, exact=True).check()
    page.get_by_role("button", name="Find help near me").click()


def test_from_a_sloppy_postcode_to_a_place_and_back(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.go("/")
        visitor.at("Help and green space near you in Islington")
        ask(page, " nI-9jp ", "Food")
        visitor.at("Help near N1 9JP")

        phone = page.get_by_role("main").get_by_role("link", name=LAST_RESORT).first
        expect(phone).to_have_attribute("href", "tel:02075272000")
        expect(phone).to_be_in_viewport()

        headings = page.get_by_role("heading", level=2).all_inner_texts()
        assert headings[:4] == [
            "Start here",
            "Where to ask about food",
            "People to ring about food",
            "Other places close by",
        ]
        hub = page.get_by_role("heading", level=3).first.get_by_role("link")
        expect(hub).to_have_text("Finsbury Library")

        expect(page.locator(".app-map--ready .app-number").first).to_be_visible()
        fold = page.locator("details.app-kind", has_text="Libraries")
        expect(fold.get_by_role("listitem").first).to_be_hidden()
        fold.locator("summary").click()
        expect(fold.get_by_role("link", name="South Library")).to_be_visible()
        visitor.look()

        hub.click()
        visitor.at("Finsbury Library")
        expect(page.get_by_text("Hours as listed in 2023").first).to_be_visible()
        expect(page.locator(".app-map--ready .app-marker").first).to_be_visible()
        page.go_back()
        visitor.at("Help near N1 9JP")


@pytest.mark.parametrize(
    "question", ["postcode=N1+9JP&need=food", "postcode=N19+5PH&need=family", "postcode=N1+2UN"]
)
def test_the_first_two_screens_of_a_phone_say_where_to_go_and_whom_to_ring(browser, live_server, question):
    screen = 640
    with visit(browser, live_server, **{**PHONE, "viewport": {"width": 360, "height": screen}}) as visitor:
        page = visitor.page
        visitor.go(f"/find?{question}")
        # When all is shut, whom to ring then comes first, and moves the rest down.
        late = page.locator("main .app-late")
        added = late.bounding_box()["height"] if late.count() else 0
        doors = page.locator("main li.app-place:has(.app-number):not(.app-place--first)")
        hub = page.get_by_role("heading", name=re.compile("^Start here"))
        for seen in (
            page.get_by_role("main").get_by_role("link", name="999").first,
            page.get_by_role("main").get_by_role("link", name=LAST_RESORT).first,
            hub,
            doors.first.get_by_role("heading"),
            doors.first.locator(".app-distance"),
            doors.first.get_by_text(re.compile("Open|Closed")).first,
        ):
            box = seen.bounding_box()
            assert box["y"] + box["height"] <= 2 * screen + added, seen
        assert page.evaluate("document.documentElement.scrollHeight") <= 8.5 * screen
        # What is folded away is there, by a tap or a key, without any script of ours.
        more = page.get_by_text(re.compile("Show [0-9]+ more place"))
        more.click()
        expect(doors.nth(3).get_by_role("heading")).to_be_visible()
        visitor.look()


def test_an_unknown_postcode_is_kept_and_can_be_put_right(browser, live_server, screen):
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        visitor.expected.add(f"{live_server}/find?postcode=ZZ9+9ZZ&need=money&language=")
        visitor.go("/find")
        visitor.look()
        ask(page, "ZZ9 9ZZ", "Money")
        expect(page.get_by_text("We do not know that postcode.")).to_be_visible()
        visitor.at("Find help near you")
        expect(page.get_by_role("main").get_by_role("link", name="South")).to_be_visible()
        field = page.get_by_label("Your postcode")
        expect(field).to_have_value("ZZ9 9ZZ")
        expect(page.get_by_label("Money", exact=True)).to_be_checked()
        ask(page, "N1 9JP")
        visitor.at("Help near N1 9JP")


@pytest.mark.parametrize(
    "postcode, says",
    [
        ("EC2V 7HH", "This is outside Islington"),
        ("N19 5PH", "Its address is still to be confirmed."),
        ("N1 2UN", "Do not go there without ringing."),
    ],
    ids=["outside", "hub-without-a-place", "hub-that-is-closed"],
)
def test_whoever_asks_is_told_where_to_turn(browser, live_server, postcode, says):
    with visit(browser, live_server, **PHONE) as visitor:
        visitor.go("/find")
        ask(visitor.page, postcode, "Wellbeing")
        visitor.at(f"Help near {postcode}")
        # The sheet for the printer says it too.
        expect(visitor.page.get_by_text(says).filter(visible=True)).to_be_visible()
        assert visitor.page.locator("main li.app-place:visible").count() >= 3
        assert visitor.page.locator("details.app-kind").count() >= 3


def test_without_javascript(browser, live_server, screen):
    with visit(browser, live_server, java_script_enabled=False, **screen) as visitor:
        page = visitor.page
        visitor.go("/")
        ask(page, "n19jp", "Home")
        expect(page.get_by_role("heading", level=1)).to_have_text("Help near N1 9JP")
        expect(page.get_by_text("The map needs JavaScript.")).to_be_visible()
        fold = page.locator("details.app-kind", has_text="GP practices")
        fold.locator("summary").click()
        fold.get_by_role("link", name="Amwell Group Practice").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Amwell Group Practice")
        expect(page.get_by_role("link", name="020 7837 2020").first).to_be_visible()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Map").click()
        expect(page.locator("noscript")).to_contain_text(
            "Without JavaScript there is no map.", use_inner_text=True
        )
        page.get_by_role("main").get_by_role("link", name="Fairer Together Hubs").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Fairer Together Hubs")


def test_with_the_keyboard_alone(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        keys = page.keyboard
        visitor.go("/")
        visitor.tab_to(".govuk-skip-link", most=1)
        keys.press("Enter")
        visitor.tab_to("#postcode", most=4)
        keys.type("N1 9JP")
        visitor.tab_to("input[type=radio]", most=1)
        keys.press("Space")
        keys.press("ArrowDown")
        expect(page.get_by_label("Money", exact=True)).to_be_checked()
        visitor.tab_to("button[type=submit]", most=2)
        keys.press("Enter")
        expect(page).to_have_title("Help near N1 9JP – Islington community map")
        visitor.tab_to("main a[href='tel:02075272000']")
        visitor.tab_to("main h3 a")
        visitor.tab_to("details.app-kind summary")
        keys.press("Enter")
        expect(page.locator("details.app-kind[open] li").first).to_be_visible()
        visitor.tab_to("details.app-kind[open] a")
        visitor.look()
        keys.press("Enter")
        expect(page.get_by_role("heading", name="How we know this")).to_be_visible()


def test_with_the_place_the_phone_knows(browser, live_server):
    allowed = {"geolocation": PENTONVILLE, "permissions": ["geolocation"]}
    with visit(browser, live_server, **PHONE, **allowed) as visitor:
        visitor.go("/find")
        visitor.page.get_by_label("Work", exact=True).check()
        visitor.page.get_by_role("button", name="Use my location").click()
        visitor.at("Help near where you are")
        assert "lon=-0.11685" in visitor.page.url
        assert "need=work" in visitor.page.url
        expect(visitor.page.get_by_role("heading", name="Where to ask about work")).to_be_visible()


def test_a_phone_that_does_not_tell_its_place_is_no_dead_end(browser, live_server):
    with visit(browser, live_server, **PHONE) as visitor:
        visitor.go("/find")
        visitor.page.get_by_role("button", name="Use my location").click()
        expect(visitor.page.get_by_text("Type your postcode instead.")).to_be_visible()
        visitor.look()


def test_from_a_street_and_a_wish_to_somewhere_to_go(browser, live_server):
    with visit(browser, live_server, **PHONE) as visitor:
        page = visitor.page
        visitor.go("/find")
        page.get_by_text("Only some places will do").click()
        page.get_by_label("A way in without steps").check()
        visitor.look()
        ask(page, "Holloway Road", "Money")
        page.get_by_role("link", name="Archway Medical Centre").click()
        visitor.at("Help near Archway Medical Centre")
        expect(page.get_by_text("Search without")).to_be_visible()
        expect(page.get_by_label("A way in without steps")).to_be_checked()
        assert page.locator("main li.app-place:visible").count() >= 3
        visitor.look()
        page.get_by_role("link", name="Search without “A way in without steps”").click()
        visitor.at("Help near Archway Medical Centre")
        expect(page.get_by_text("Search without")).to_be_hidden()
        page.goto(f"{live_server}/no-wrong-door")
        visitor.at("No wrong door: how far the promise holds")
        visitor.look()


def test_help_near_a_point_of_the_map_by_keyboard_and_by_hand(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go("/map#map=16/51.53137/-0.11685&show=libraries")
        middle = page.get_by_role("link", name="Find help near the middle of this map")
        expect(middle).to_have_attribute("href", "/find?lon=-0.11685&lat=51.53137")
        page.get_by_role("region", name="Map of Islington").focus()
        page.keyboard.press("ArrowUp")
        expect(middle).not_to_have_attribute("href", "/find?lon=-0.11685&lat=51.53137")
        page.get_by_label("Postcode or name of a place").focus()
        visitor.tab_to("[data-map-near]")
        page.keyboard.press("Enter")
        visitor.at("Help near where you are")
        expect(page.locator("main li.app-place").first).to_be_visible()

        visitor.go("/find?postcode=N1+9JP&need=food")
        small = page.locator(".app-map--ready")
        small.scroll_into_view_if_needed()
        small.click(button="right", position={"x": 60, "y": 60})
        page.get_by_role("link", name="Find help near this point").press("Enter")
        visitor.at("Help near where you are")
        expect(page.get_by_role("heading", name="Where to go for help with food")).to_be_visible()
