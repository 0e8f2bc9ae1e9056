"""A reviewer on a telephone: from the queue to the stage to open, two at once, and what is said of it."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.permissions import parse_grants
from tests.journeys.test_suggesting import tap
from tests.journeys.visitor import DESK, PHONE, visit
from tests.survey.conftest import suggest  # noqa: F401 - a fixture

pytestmark = pytest.mark.browser

PASSWORD = "walnut tram orbit lantern"


@pytest.fixture(scope="module")
def home(database, serve):
    """A server with two reviewers of the South."""
    with database.session("tests") as session:
        for name, email in (("Ada", "ada@example.org"), ("Grace", "grace@example.org")):
            account_id = people.add_person(session, name, parse_grants(["reviewer@south"]), email=email)
            people.set_password(session, account_id, PASSWORD)
            people.change_names(session, account_id, name, f"{name} of the network")
    with serve(database) as address:
        yield address


def sign_in(visitor, name):
    visitor.go("/sign-in")
    visitor.page.get_by_label("E-mail address or user name").fill(name)
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.wait_for_url("**/account**")


@pytest.fixture(scope="module")
def working(browser, home):
    """A function that visits as one of the two, who sign in once and are not asked again."""
    kept = {}

    @contextmanager
    def run(name, **screen):
        if name not in kept:
            with visit(browser, home, **DESK) as visitor:
                sign_in(visitor, f"{name}@example.org")
                kept[name] = visitor.page.context.storage_state()
        with visit(browser, home, storage_state=kept[name], **screen) as visitor:
            yield visitor

    return run


def test_from_the_queue_to_open_on_a_telephone(home, working, suggest):  # noqa: F811
    space_id = suggest(name="Corner of two streets")
    with working("ada", **PHONE) as visitor:
        page = visitor.page
        visitor.go("/account")
        page.get_by_role("link", name="Review", exact=True).click()
        visitor.at("Review")
        page.get_by_label("Locality").select_option("South")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="Corner of two streets").click()
        visitor.at("Corner of two streets")

        page.get_by_label("Checked on site").check()
        page.get_by_role("button", name="Move it").click()
        expect(page.get_by_role("status")).to_contain_text("It was moved")
        comment = page.get_by_label("Your comment")
        expect(comment).to_be_hidden()  # folded away, until one goes there
        page.get_by_role("link", name="Comments (0)").click()
        comment.fill("Is the gate locked, @Grace of the network?")
        page.get_by_role("button", name="Add comment").click()
        expect(page.get_by_text("Told: Grace of the network")).to_be_visible()

        page.get_by_role("link", name="Change this").click()
        visitor.at("Change what is known")
        page.get_by_label("The owner, in words").fill("The parish")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Your changes were saved")
        visitor.look()

        expect(page.get_by_label("Since which day?")).to_be_hidden()
        page.get_by_label("Opened", exact=True).check()
        visitor.expected.add(f"{home}/review/{space_id}/stage")
        page.get_by_role("button", name="Move it").click()
        expect(page.get_by_role("alert")).to_contain_text("Enter the day it opened")
        visitor.look()
        page.get_by_label("Since which day?").fill("2026-05-31")
        page.get_by_label("Who may go in?").select_option("Open to everyone")
        page.get_by_role("button", name="Move it").click()
        visitor.at("Move it from “Checked on site” to “Opened”?")
        page.get_by_role("button", name="Yes, move it").click()
        expect(page.get_by_text("Existing green space").first).to_be_visible()
        visitor.look()
        page.get_by_role("link", name="Its page and map").click()
        visitor.at("Corner of two streets")
        expect(page.get_by_text("Open to everyone").first).to_be_visible()

    with working("grace", **PHONE) as visitor:
        page = visitor.page
        visitor.go("/account")
        page.get_by_role("link", name="Notices (").click()
        visitor.at("Notices")
        expect(page.get_by_text("Ada of the network named you")).to_be_visible()
        page.get_by_role("link", name="Corner of two streets").first.click()
        visitor.at("Corner of two streets")


def test_the_second_of_two_sees_both_and_loses_nothing(working, suggest):  # noqa: F811
    space_id = suggest(name="Known to two")
    path = f"/review/{space_id}/edit"
    with working("ada", **DESK) as ada, working("grace", **PHONE) as grace:
        ada.go(path)
        grace.go(path)
        ada.page.get_by_label("Name", exact=True).fill("Ada's name for it")
        ada.page.get_by_role("button", name="Save").click()
        expect(ada.page.get_by_role("status")).to_contain_text("Your changes were saved")
        grace.page.get_by_label("Name", exact=True).fill("Grace's name for it")
        grace.page.get_by_label("Safety").fill("Broken glass")
        grace.expected.add(grace.home + path)
        grace.page.get_by_role("button", name="Save").click()
        expect(grace.page.get_by_role("alert")).to_contain_text("you and Ada of the network both changed it")
        expect(grace.page.get_by_label("Yours: Name")).to_have_value("Grace's name for it")
        expect(grace.page.get_by_label("Safety")).to_have_value("Broken glass")
        grace.look()
        grace.page.get_by_label("Mine, as in the box below").check()
        grace.page.get_by_role("button", name="Save").click()
        grace.at("Grace's name for it")
        expect(grace.page.get_by_text("Broken glass").first).to_be_visible()


def test_a_duplicate_and_the_way_back_without_a_script(browser, home, suggest):  # noqa: F811
    duplicate, into = suggest(name="One of the same"), suggest(name="The same", note="Known")
    with visit(browser, home, **PHONE, java_script_enabled=False) as visitor:
        page = visitor.page
        sign_in(visitor, "ada@example.org")
        visitor.go(f"/review/{duplicate}")
        page.get_by_role("link", name="It is a duplicate").click()
        page.get_by_label("Its id").fill(into)
        page.get_by_role("button", name="Compare them").click()
        expect(page.get_by_role("row", name="Note")).to_contain_text("Known")
        page.get_by_role("button", name="Merge them").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The same")
        visitor.go("/review/removed")
        row = page.get_by_role("listitem").filter(has_text=duplicate)
        row.get_by_role("button", name="Bring it back").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("One of the same")


def test_an_outline_is_drawn_anew_with_a_finger(working, suggest):  # noqa: F811
    space_id = suggest(name="Drawn too small")
    with working("ada", **PHONE) as visitor:
        page = visitor.page
        visitor.go(f"/review/{space_id}")
        page.get_by_role("link", name="Draw the outline and entrances").click()
        visitor.at("Draw the outline and entrances")
        expect(page.get_by_text("tennis courts")).to_be_visible()
        page.get_by_role("button", name="Add an entrance").click()
        tap(visitor, (0.3, 0.5))
        expect(page.locator(".app-entrance")).to_be_visible()
        page.get_by_role("button", name="Start again").click()
        page.get_by_role("button", name="Draw the outline").click()
        tap(visitor, (0.3, 0.3), (0.7, 0.3), (0.5, 0.7))
        page.get_by_role("button", name="Finish").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Your changes were saved")
        page.get_by_role("link", name="History (").click()
        expect(page.get_by_text("Dashed: before. Solid: after.").first).to_be_visible()
        visitor.look()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status")).to_contain_text("That change was taken back")


def test_every_page_of_the_work_meets_the_rules(working, suggest, database):  # noqa: F811
    space_id, other = suggest(name="Looked at closely"), suggest()
    with database.session("tests") as session:
        sent = session.execute(
            text(
                "INSERT INTO survey.submissions"
                " (id, kind, green_space_key, green_space_id, written_at, fields)"
                " SELECT gen_random_uuid(), 'change', key, id, now(),"
                """ '{"changed": "name", "name": "Another", "note": "As a neighbour told me"}'"""
                " FROM register.green_spaces WHERE id = :id RETURNING id"
            ),
            {"id": space_id},
        ).scalar_one()
    at = f"/review/{space_id}"
    pages = ["/review", "/review?locality=south&only=due", at, f"{at}/edit", f"{at}/outline", f"{at}/merge"]
    pages += [f"{at}/merge?into={other}", f"/review/submissions/{sent}", "/review/removed", "/notices"]
    pages += ["/review/pack?locality=south", "/account/sent"]
    with working("grace", viewport={"width": 320, "height": 768}) as visitor:
        for path in pages:
            visitor.go(path)
            visitor.look()
        for path in (at, f"{at}/edit", "/review"):
            for language in ("en-XA", "ar-XB"):
                visitor.go(f"{path}?lang={language}")
                visitor.page.evaluate(
                    "for (const one of document.querySelectorAll('details')) one.open = true"
                )
                visitor.look()
