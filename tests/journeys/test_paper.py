"""What comes out of the printer: the answer on one sheet, read back from Chromium's own PDF."""

import io
import re

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from tests.journeys.visitor import PHONE, visit

pytestmark = pytest.mark.browser

A4_POINTS = (595, 842)


def printed(page):
    """The pages that come out, as their texts; each is A4."""
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    for sheet in sheets:
        assert (round(sheet.mediabox.width), round(sheet.mediabox.height)) == A4_POINTS
    return [" ".join(sheet.extract_text().split()) for sheet in sheets]


def names_listed(page):
    """The places of the sheet by their numbers; those on the map are all among them."""
    numbers = page.locator(".app-sheet__number").all_text_contents()
    names = page.locator(".app-sheet__places .app-sheet__name").all_text_contents()
    assert set(page.locator(".app-drawn__number").all_text_contents()) <= set(numbers)
    return dict(zip(numbers, names, strict=True))


@pytest.mark.parametrize(
    "question, heading, first",
    [
        ("postcode=N1+9JP&need=food", "Help with food near you", "Finsbury Library"),
        ("postcode=N19+5PH&need=family", "Help with your family near you", None),
        ("postcode=EC2V+7HH", "Help near you", None),
        ("postcode=N1+7RH&need=food", "Help with food near you", None),
    ],
)
def test_an_answer_is_one_sheet_of_paper(browser, live_server, question, heading, first):
    with visit(browser, live_server, **PHONE) as visitor:
        visitor.go(f"/find?{question}")
        listed = names_listed(visitor.page)
        phones = visitor.page.locator(".app-sheet__phones strong").all_text_contents()
        [text] = printed(visitor.page)
    assert text.startswith(heading)
    assert "020 7527 2000" in text
    assert "ring 999" in text
    assert re.search(r"\d (metres|km)", text)
    assert "Open Government Licence" in text  # the last line: nothing was cut off below
    assert len(listed) > 3
    together = "".join(text.split())
    for number, name in listed.items():
        assert f" {number} " in text
        one_line = name.split(" (not confirmed)")[0]  # what wraps is read with the number between its lines
        assert "".join(one_line.split()) in together, f"{number} {name} is lost on paper"
    assert all("".join(value.split()) in together for value in phones)
    if first:
        assert re.search(rf"{first}.*Monday and Thursday 9am to 8pm", text)


def test_the_code_on_the_sheet_asks_again_without_telling_the_postcode(browser, live_server):
    with visit(browser, live_server) as visitor:
        page = visitor.page
        visitor.go("/find?postcode=N1+9JP&need=food")
        page.emulate_media(media="print")
        picture = Image.open(io.BytesIO(page.locator(".app-code-to-scan").screenshot(scale="css")))
        found = zxingcpp.read_barcode(picture)
        assert found, "the code cannot be read"
        assert found.text == f"{live_server}/find?locality=south&need=food"
        assert "N1 9JP" not in page.locator(".app-sheet").inner_text()


def test_the_map_on_the_sheet_is_drawn_from_the_layers_and_names_its_places(browser, live_server):
    with visit(browser, live_server) as visitor:
        page = visitor.page
        visitor.go("/find?postcode=N1+9JP&need=food")
        assert page.locator(".app-sheet").is_hidden()
        page.emulate_media(media="print")
        drawing = page.locator(".app-drawn")
        box = drawing.bounding_box()
        assert box["width"] == pytest.approx(76 * 96 / 25.4, abs=2)
        assert drawing.locator(".app-drawn__area").count() >= 1
        assert drawing.locator(".app-drawn__line").count() >= 1
        for number in drawing.locator(".app-drawn__number").all():
            at = number.bounding_box()
            assert 0 <= at["x"] - box["x"] <= box["width"] - at["width"]
            assert 0 <= at["y"] - box["y"] <= box["height"] - at["height"]
        assert "1" in drawing.locator("text").all_text_contents()


def test_every_number_fits_on_two_sheets(browser, live_server):
    with visit(browser, live_server) as visitor:
        visitor.go("/find/offline")
        names = visitor.page.locator(".app-numbers h3").all_inner_texts()
        sheets = printed(visitor.page)
    assert len(names) > 5
    assert len(sheets) <= 2
    text = "".join(" ".join(sheets).split())
    for name in names:
        assert "".join(name.split()) in text, name


def test_other_pages_print_too(browser, live_server):
    with visit(browser, live_server) as visitor:
        visitor.go("/assets/finsbury-library")
        assert "Finsbury Library" in printed(visitor.page)[0]
