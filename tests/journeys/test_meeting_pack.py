"""Before a meeting: a reviewer notes the last one, weighs, and takes the pack along on paper."""

import io

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from mapservice.accounts import people
from mapservice.accounts.permissions import parse_grants
from tests.journeys.visitor import PHONE, visit

pytestmark = pytest.mark.browser

PASSWORD = "walnut tram orbit lantern"
NARROW = {"viewport": {"width": 320, "height": 640}}


@pytest.fixture(scope="module")
def home(make_database, serve):
    """A server with one reviewer of the South."""
    with make_database() as database:
        with database.session("tests") as session:
            account_id = people.add_person(
                session, "Ada Reviewer", parse_grants(["reviewer@south"]), user_name="ada"
            )
            people.set_password(session, account_id, PASSWORD)
        with serve(database) as address:
            yield address


def sign_in(visitor, then):
    visitor.page.goto(visitor.home + then)
    visitor.page.get_by_label("E-mail address or user name").fill("ada")
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()


def test_from_the_weights_to_the_pdf_on_a_phone(browser, home):
    with visit(browser, home, **PHONE) as visitor:
        page = visitor.page
        sign_in(visitor, "/review/meetings")
        visitor.at("Meetings")
        page.get_by_role("button", name="Note this meeting").click()
        expect(page.get_by_text("Met on")).to_be_visible()
        visitor.look()
        visitor.go("/green-spaces/first?locality=South&residents=1&deprivation=9&cost=0&ownership=0")
        page.get_by_role("link", name="This order as a pack for the meeting in South").click()
        visitor.at("Meeting pack: South")
        expect(page.get_by_text("residents who gain 10%, deprivation where they live 90%")).to_be_visible()
        expect(page.get_by_role("img", name="Map of South")).to_be_visible()
        with page.expect_download() as coming:
            page.get_by_role("link", name="This pack as a PDF").click()
        document = PdfReader(coming.value.path())
        said = " ".join(sheet.extract_text() for sheet in document.pages)
        assert "deprivation where they live 90%" in " ".join(said.split())


def test_it_fits_the_narrowest_phone_and_prints_without_what_is_for_screens(browser, home):
    with visit(browser, home, **NARROW) as visitor:
        page = visitor.page
        sign_in(visitor, "/review/pack?locality=south")
        visitor.at("Meeting pack: South")
        # The ranked table does not scroll sideways in itself either, and every value says what it is.
        table = page.get_by_role("region", name="the one to open first in front")
        assert table.evaluate("(node) => node.scrollWidth <= node.clientWidth")
        value = table.locator("td").nth(1)
        said = value.evaluate("(node) => getComputedStyle(node, '::before').content")
        assert table.locator("thead th").nth(2).text_content() in said
        sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
        said = " ".join(" ".join(sheet.extract_text() for sheet in sheets).split())
        assert said.startswith("Meeting pack: South")
        assert "Sign out" not in said
        assert "as a PDF" not in said
        assert "residents who gain 60%" in said
        assert len(sheets) <= 4
