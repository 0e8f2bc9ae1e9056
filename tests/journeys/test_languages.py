"""Pages in the made-up languages: what is still plain English is a name or other data; mirrored pages fit."""

import re
from datetime import date

import pytest
from babel import Locale
from playwright.sync_api import expect

from mapservice.register.borough import read_borough
from mapservice.settings import REPOSITORY
from mapservice.web.pseudo import PADDING, PSEUDO_LETTERS
from mapservice.web.words import words
from tests.journeys.visitor import PHONE, visit

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/find",
    "/find?postcode=zz",
    "/find?postcode=Street",
    "/find?postcode=N1+9JP&need=food&step_free=1&language=Somali",
    "/find?postcode=N19+5PH",
    "/find?postcode=EC2V+7HH&need=family",
    "/find/offline",
    "/assets?locality=South",
    "/assets/finsbury-library",
    "/green-spaces?layer=potential-green-spaces",
    "/green-spaces/highbury-fields",
    "/green-spaces/demonstration-space-c1",
    "/map",
    "/data",
    "/no-wrong-door",
    "/whats-on",
    "/green-spaces/first",
    "/green-spaces/suggest",
    "/green-spaces/highbury-fields/confirm",
    "/green-spaces/highbury-fields/report",
    "/green-spaces/access",
    "/green-spaces/progress",
    "/openreferral",
    "/sign-in",
    "/forgot",
    "/set-password?key=spent",
    "/nothing",
]
# Every text and every name a reader may come upon, seen or heard; not what is code to be copied.
TEXTS = """() => {
    const OTHER = 'script, style, code, pre, noscript, [lang=en]'
    const found = []
    const kinds = NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT
    const walker = document.createTreeWalker(document.documentElement, kinds)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.nodeType === Node.TEXT_NODE) {
            if (!node.parentElement.closest(OTHER)) found.push(node.data)
        } else {
            for (const name of ['aria-label', 'title', 'alt', 'placeholder', 'data-said', 'data-map-label']) {
                if (node.hasAttribute(name)) found.push(node.getAttribute(name))
            }
        }
    }
    return found
}"""


# Addresses of pages, postcodes, times and measures.
NO_WORDS = re.compile(
    r"https?://\S+|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b|\b\d(?:[\d.,:]*\d)? ?(?:%|ft\b|km\b|m\b|mi\b|\b)"
)


def texts_in(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def data(browser, live_server):
    """Everything on the pages that is data and stays as it is: names, addresses, notes, sources, titles."""
    borough = read_borough(REPOSITORY / "geodata")
    known = {borough.short_name, borough.emergency, *borough.attribution, *borough.councils.values()}
    known |= {"English", *PSEUDO_LETTERS, borough.promise, borough.published_library_share}
    known |= {f"{name} {borough.short_name}" for name in ("North", "Central", "South")}
    known |= set((REPOSITORY / "geodata" / "contacts.csv").read_text().replace("\n", ",").split(","))
    request = browser.new_context().request
    collections = request.get(f"{live_server}/api/collections").json()
    known |= set(texts_in(collections)) | {one["title"][:-1] for one in collections["collections"]}
    for layer in {one["id"] for one in collections["collections"]}:
        items = request.get(f"{live_server}/api/collections/{layer}/items?limit=1000").json()
        for text in (text for one in items["features"] for text in texts_in(one["properties"])):
            known |= {" ".join(text.split()), words(text)}
    names = Locale("en", "GB")
    known |= {*names.months["format"]["wide"].values(), *names.days["format"]["wide"].values()}
    return known


def left_in_english(texts, tag, data):
    """What of the texts is neither in the made-up language nor data."""
    letters = "".join(map(chr, PSEUDO_LETTERS[tag].values()))
    changed = re.compile(f"[{re.escape(letters + PADDING.strip())}]+")
    known = "\n".join(" ".join(NO_WORDS.sub(" ", text).split()) for text in data)
    for text in texts:
        for part in changed.split(NO_WORDS.sub(" ", text)):
            part = " ".join(part.split()).strip(" .,:;()“”–-·")
            pieces = [part] if part in known else re.split(r"[,;.:()“”] ?| – ", part)
            for piece in (piece.strip(" –-@") for piece in pieces):
                word = rf"(?<!\w){re.escape(piece)}(?!\w)"
                if re.search(r"[A-Za-z]{2}", piece) and not re.search(word, known):
                    yield piece


def test_nothing_of_the_interface_escapes_translation(browser, live_server, data):
    left = []
    with visit(browser, live_server) as visitor:
        visitor.go("/?lang=en-XA")
        for path in PAGES:
            answer = visitor.page.request.get(live_server + path)
            visitor.go(path, answer.status)
            if path == "/map":
                visitor.page.wait_for_selector("[data-map-list-items] li")
            assert visitor.page.locator("html").get_attribute("lang") == "en-XA"
            texts = visitor.page.evaluate(TEXTS)
            assert any("ƀ" in text for text in texts)
            left += [f"{path}: {text}" for text in left_in_english(texts, "en-XA", data)]
    assert not left, "\n".join(sorted(set(left)))


def test_scripts_speak_the_language_of_the_page(browser, live_server):
    with visit(browser, live_server) as visitor:
        visitor.go("/map?lang=en-XA")
        summary = visitor.page.locator("[data-map-list-summary]")
        expect(summary).to_have_text(re.compile(r"^\d+ ƥłáçéš íñ ṽíéẃ|^\d+ ƥłáçéš"))
        label = visitor.page.locator(".leaflet-control-zoom-in").get_attribute("aria-label")
        assert label.startswith("Žóóɱ íñ")


def test_pages_from_right_to_left_are_mirrored_and_fit(browser, live_server):
    with visit(browser, live_server, **PHONE) as visitor:
        page = visitor.page
        visitor.go("/?lang=ar-XB")
        for path in ("/", "/find?postcode=N1+9JP&need=food", "/assets/finsbury-library", "/map", "/data"):
            visitor.go(path)
            visitor.look()
            assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
            heading = page.get_by_role("heading", level=1).bounding_box()
            assert heading["x"] + heading["width"] == pytest.approx(360 - 15, abs=3)
        visitor.go("/find?postcode=N1+9JP&need=food")
        place = page.locator(".app-place--first")
        symbol, name = (
            place.locator(part).bounding_box() for part in (".app-place__symbol", ".app-place__name")
        )
        assert symbol["x"] > name["x"] + name["width"] - 5  # what stood on the left stands on the right
        telephone = page.get_by_role("main").get_by_role("link", name="020 7527 2000").first
        assert telephone.inner_text() == "020 7527 2000"
        assert (
            page.evaluate("(node) => getComputedStyle(node).direction", telephone.element_handle()) == "ltr"
        )


def test_dates_are_written_as_the_language_does(browser, live_server):
    with visit(browser, live_server) as visitor:
        visitor.go("/find/offline?lang=ar-XB")
        assert re.search("[\u0620-\u064a]", visitor.page.locator("main").inner_text())
        visitor.go("/find/offline?lang=en")
        assert f"{date.today():%B %Y}" in visitor.page.locator("main").inner_text()
