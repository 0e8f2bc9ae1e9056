"""WCAG 2.2 AA on every page and in every state: axe, keyboard, reading order, zoom, spacing, colours."""

import pytest
from playwright.sync_api import expect

from tests.journeys.visitor import AXE, DESK, visit

pytestmark = pytest.mark.browser

# 1280 CSS pixels at 400 %: what must be read without scrolling sideways (1.4.10).
ZOOMED = {"viewport": {"width": 320, "height": 256 * 3}}
STATES = {
    "/find?postcode=": 400,
    "/find?postcode=ZZ9+9ZZ": 404,
    "/find?postcode=N1+9JP&need=food": 200,
    "/find?postcode=N19+5PH&need=family&step_free=1&open=1&language=Somali": 200,
    "/find?postcode=EC2V+7HH": 200,
    "/find?locality=south": 200,
    "/assets?locality=South&layer=hubs": 200,
    "/assets/finsbury-library": 200,
    "/assets/222-upper-street": 200,
    "/green-spaces?layer=potential-green-spaces": 200,
    "/green-spaces/highbury-fields": 200,
    "/green-spaces/demonstration-space-c1": 200,
    "/green-spaces/highbury-fields/confirm": 200,
    "/green-spaces/highbury-fields/report": 200,
    "/api?f=html": 200,
    "/api/collections/libraries/items?f=html": 200,
    "/no-such-page": 404,
}
# Of the states, those that a wide screen lays out in another way than a narrow one.
LAID_OUT_OTHERWISE = {"/find?postcode=N1+9JP&need=food", "/assets/finsbury-library"}
LEVELS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "preload": False}
# 1.4.12: lines, paragraphs, letters and words set apart as a reader may want them.
SPACED = """() => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(`* {
        line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important
    } p { margin-bottom: 2em !important }`)
    document.adoptedStyleSheets = [sheet]
}"""
CUT_OFF = """() => [...document.querySelectorAll('main *, header *, footer *')].filter((node) => {
    const style = getComputedStyle(node)
    const meant = '.folium-map, .govuk-visually-hidden, .govuk-skip-link, .app-stacked > thead'
    return node.clientHeight && !node.closest(meant)
        && style.overflowY === 'hidden' && node.scrollHeight > node.clientHeight + 1
}).map((node) => node.outerHTML.slice(0, 120))"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


def violations(page):
    """What axe finds; but where a place lies on a map is essential, and lists have it too (2.5.8)."""
    found = AXE.run(page, options={**LEVELS, "resultTypes": ["violations"]}).response["violations"]
    for one in found:
        nodes = [node for node in one["nodes"] if one["id"] != "target-size" or "leaflet" not in node["html"]]
        for node in nodes:
            yield f"{one['id']}: {one['help']}: {node['html'][:200]}"


@pytest.fixture(scope="module")
def states(app):
    """Every page that has an address of its own, found in the routes, and the states named above."""
    pages = dict(STATES)
    programs = ("/api", "/openreferral", "/health", "/metrics", "/static")
    with app.test_client() as client:
        for rule in app.url_map.iter_rules():
            if rule.arguments or "GET" not in (rule.methods or ()) or rule.rule.startswith(programs):
                continue
            answer = client.get(rule.rule)
            if answer.mimetype == "text/html" and answer.status_code == 200:
                pages[rule.rule] = 200
    return pages


@pytest.mark.parametrize("screen", [pytest.param(ZOOMED, id="zoomed"), pytest.param(DESK, id="desk")])
def test_every_page_and_state_meets_the_rules(browser, live_server, states, screen):
    wrong = []
    with visit(browser, live_server, **screen) as visitor:
        page = visitor.page
        for path, status in states.items():
            if screen is DESK and path in STATES and path not in LAID_OUT_OTHERWISE:
                continue
            visitor.go(path, status)
            wrong += [f"{path}: {one}" for one in violations(page)]
            wide, wanted = page.evaluate(WIDTHS)
            if wide > wanted:
                wrong.append(f"{path} is {wide} px wide on {wanted}")
            if screen is ZOOMED:
                page.evaluate(SPACED)
                wrong += [f"{path}: cut off when spaced: {node}" for node in page.evaluate(CUT_OFF)]
                if page.evaluate(WIDTHS)[0] > wanted:
                    wrong.append(f"{path} is {page.evaluate(WIDTHS)[0]} px wide when spaced")
    assert not wrong, "\n".join(wrong)


FOCUS = """() => {
    const node = document.activeElement
    if (node === document.body) return null
    const box = node.getBoundingClientRect(), style = getComputedStyle(node)
    const label = node.labels?.[0]
    const shows = style.outlineStyle !== 'none' || style.boxShadow !== 'none'
        || (label && getComputedStyle(label, '::before').boxShadow !== 'none') || node.matches('path')
    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
    node.dataset.visited = Number(node.dataset.visited ?? 0) + 1
    const again = node.dataset.visited > 1
    return { what: node.outerHTML.slice(0, 100), shows, seen, again, raised: node.tabIndex > 0 }
}"""


@pytest.mark.parametrize(
    "path", ["/find?postcode=N1+9JP&need=food", "/map#map=16/51.5265/-0.1045&show=libraries,green-spaces"]
)
def test_the_keyboard_reaches_everything_in_order_and_gets_out_again(browser, live_server, path):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go(path)
        expect(page.locator(".app-map--ready")).to_be_visible()
        if path.startswith("/map"):
            expect(page.locator("[data-map-list-items] li").first).to_be_visible()
        # What arrives late (a layer's list, what the map brings) is written into the page anew.
        page.wait_for_load_state("networkidle")
        stops = []
        for _ in range(250):
            page.keyboard.press("Tab")
            stop = page.evaluate(FOCUS)
            if stop is None or stop["again"]:
                break
            assert stop["shows"], f"no focus to be seen on {stop['what']}"
            if not stop["seen"]:  # the map is still moving there
                expect(page.locator(":focus")).to_be_in_viewport()
            assert not stop["raised"], stop["what"]
            stops.append(stop["what"])
        else:
            raise AssertionError("the keyboard does not get out of the page")
        assert "skip-link" in stops[0]
        assert len(stops) > 30
        empty = [stop for stop in stops if 'd="M0 0"' in stop]
        assert not empty
        # Nothing that a mouse can press is passed over.
        missed = page.evaluate(
            """() => [...document.querySelectorAll('a[href], button, summary, input, select')]
                .filter((node) => !node.matches('[type=radio]'))
                .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.dataset.visited
                    && node.tabIndex >= 0 && !node.disabled)
                .map((node) => node.outerHTML.slice(0, 100))"""
        )
        assert not missed


def test_a_shape_beyond_the_edge_of_the_map_is_out_of_the_tab_order(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go("/map#map=13/51.5465/-0.1095&show=green-spaces")
        shapes = page.locator("path.app-area-path[role=button]")
        expect(page.locator("path.app-area-path[tabindex='0']").first).to_be_attached()
        page.evaluate("location.hash = '#map=18/51.5265/-0.1045&show=green-spaces'")
        empty = page.locator("path.app-area-path[d='M0 0']")
        expect(empty.first).to_be_attached()
        expect(page.locator("path.app-area-path[d='M0 0'][tabindex='0']")).to_have_count(0)
        assert empty.evaluate_all("(all) => all.every((node) => node.getAttribute('aria-hidden') === 'true')")
        page.evaluate("location.hash = '#map=13/51.5465/-0.1095&show=green-spaces'")
        expect(page.locator("path.app-area-path[tabindex='0']").nth(10)).to_be_attached()
        assert shapes.count() > 10


def test_what_a_screen_reader_says_and_in_which_order(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go("/")
        expect(page.locator("body")).to_match_aria_snapshot("""
            - link "Skip to main content"
            - banner:
              - region "Service information":
                - link "Islington community map"
                - navigation "Main":
                  - list:
                    - listitem:
                      - link "Find help"
            - main:
              - heading "Help and green space near you in Islington" [level=1]
              - textbox /Your postcode/
              - group "What is it about?":
                - radio "Work"
                - radio "Money"
              - button "Find help near me"
              - heading "More ways in" [level=2]
            - contentinfo:
              - heading "Need help now?" [level=2]
        """)
        visitor.go("/find?postcode=N1+9JP&need=food")
        expect(page.locator("main")).to_match_aria_snapshot("""
            - heading "Help near N1 9JP" [level=1]
            - paragraph:
              - link "999"
            - paragraph:
              - link "020 7527 2000"
            - group: Change the search
            - heading "Start here" [level=2]
            - list:
              - listitem:
                - heading "Finsbury Library" [level=3]
            - heading "Where to ask about food" [level=2]
            - heading "Other places close by" [level=2]
            - region "Map of the places listed on this page"
            - paragraph:
              - link "Ask again"
        """)
        said = page.locator("main").aria_snapshot()
        order = [
            said.index(text) for text in ("999", "Start here", "Where to ask", "Other places", "Ask again")
        ]
        assert order == sorted(order)
        assert "Printed on" not in said  # the sheet is for paper


def test_forced_colours_take_nothing_away(browser, live_server):
    with visit(browser, live_server, **DESK, forced_colors="active") as visitor:
        page = visitor.page
        visitor.go("/find?postcode=N1+9JP&need=food")
        colours = "(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
        for selector in (".govuk-service-navigation__link", ".govuk-button", ".app-phone", ".app-number"):
            text, ground = page.locator(f"{selector} >> visible=true").first.evaluate(colours)
            assert text != ground, selector
        adjust = "(all) => all.map((node) => getComputedStyle(node).forcedColorAdjust)"
        assert set(page.locator(".app-symbol").evaluate_all(adjust)) == {"none"}
        page.get_by_label("Food", exact=True).focus()
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"


def test_nothing_moves_for_those_who_asked_for_that(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go("/map")
        expect(page.locator("[data-map-list-items] li").first).to_be_visible()
        page.get_by_role("button", name="Zoom in", exact=True).click()
        assert (
            page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0
        )


def test_the_card_on_the_map_takes_and_gives_back_the_focus(browser, live_server):
    with visit(browser, live_server, **DESK) as visitor:
        page = visitor.page
        visitor.go("/map#map=17/51.52650/-0.10450&show=libraries")
        visitor.tab_to(".app-marker")
        page.keyboard.press("Enter")
        card = page.get_by_role("dialog", name="Finsbury Library")
        expect(card).to_be_focused()
        visitor.look()
        page.keyboard.press("Escape")
        expect(card).to_have_count(0)
        assert "Finsbury Library" in page.evaluate("document.activeElement.getAttribute('aria-label')")
