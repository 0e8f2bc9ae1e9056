"""Somebody is invited, chooses a password, signs in with a second factor, invites somebody else."""

import pyotp
import pytest
from playwright.sync_api import expect

from mapservice.accounts import people
from mapservice.accounts.permissions import parse_grants
from tests.journeys.visitor import visit

pytestmark = pytest.mark.browser

PASSWORD = "walnut tram orbit lantern"


@pytest.fixture(scope="module")
def home(make_database, serve):
    """A server on a database of its own with one administrator, Ada, and the link that invites her."""
    with make_database() as database:
        with database.session("tests") as session:
            _, secret = people.invite(
                session, "Ada Admin", parse_grants(["administrator", "planner"]), email="ada@example.org"
            )
        with serve(database) as address:
            yield address, f"/set-password?key={secret}"


def sign_in(visitor, name, password):
    visitor.page.get_by_label("E-mail address or user name").fill(name)
    visitor.page.get_by_label("Password", exact=True).fill(password)
    visitor.page.get_by_role("button", name="Sign in").click()


def sign_out(visitor):
    visitor.page.get_by_role("button", name="Sign out", exact=True).first.click()
    visitor.page.wait_for_url(visitor.home + "/")


def test_from_an_invitation_to_people_and_out_again(browser, home):
    address, link = home
    narrow = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    with visit(browser, address, **narrow) as visitor:
        page = visitor.page
        visitor.go(link)
        visitor.at("Choose a password")
        page.get_by_label("New password").fill("password1234")
        visitor.expected.add(f"{address}/set-password")
        page.get_by_role("button", name="Save and go on").click()
        expect(page.get_by_role("alert")).to_contain_text("common password")
        visitor.at("Choose a password")
        page.get_by_label("New password").fill(PASSWORD)
        page.keyboard.press("Enter")
        visitor.at("Your account")
        expect(page.get_by_text("Signed in as Ada Admin")).to_be_visible()

        page.get_by_role("link", name="Turn on a second factor").click()
        visitor.at("Turn on a second factor")
        totp = pyotp.TOTP(page.locator("code").first.inner_text())
        page.get_by_label("Code from the app").fill(totp.now())
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Turn on").click()
        visitor.at("Keep these recovery codes")
        codes = page.locator(".app-codes code").all_inner_texts()
        page.get_by_role("link", name="I have kept them").click()
        sign_out(visitor)
        page.go_back()
        expect(page.get_by_text("Signed in as Ada Admin")).to_have_count(0)

        visitor.go("/people")
        visitor.at("Sign in")
        visitor.expected.add(f"{address}/sign-in")
        sign_in(visitor, "ada@example.org", "wrong password")
        expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        visitor.at("Sign in")
        sign_in(visitor, "ada@example.org", PASSWORD)
        visitor.at("Enter your code")
        page.get_by_label("Code").fill(codes[0])
        page.get_by_role("button", name="Go on").click()
        visitor.at("People")

        page.get_by_label("Name", exact=True).fill("Ben Volunteer")
        page.get_by_label("User name").fill("ben")
        page.get_by_label("Surveyor for South").check()
        page.get_by_role("button", name="Make an invitation").click()
        visitor.at("Invitation for Ben Volunteer")
        invitation = page.locator(".app-code code").inner_text()
        with visit(browser, address, java_script_enabled=False) as ben:
            ben.page.goto(invitation)
            ben.page.get_by_label("New password").fill("gravel piano eleven moth")
            ben.page.get_by_role("button", name="Save and go on").click()
            expect(ben.page.get_by_role("heading", level=1)).to_have_text("Your account")
            expect(ben.page.get_by_text("Surveyor for South")).to_be_visible()
            page.get_by_role("link", name="All people").click()
            page.get_by_role("link", name="Ben Volunteer").click()
            visitor.at("Ben Volunteer")
            page.get_by_role("button", name="Disable the account").click()
            expect(page.get_by_role("status").first).to_contain_text("let in no more")
            visitor.at("Ben Volunteer")
            ben.page.goto(f"{address}/account")
            expect(ben.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_forms_by_keyboard_alone(browser, home):
    address, _ = home
    with visit(browser, address, viewport={"width": 1280, "height": 800}) as visitor:
        page = visitor.page
        visitor.go("/")
        visitor.tab_to("a[href='/sign-in']", most=80)
        page.keyboard.press("Enter")
        visitor.at("Sign in")
        visitor.tab_to("#name")
        page.keyboard.type("nobody")
        visitor.tab_to("#password")
        page.keyboard.type("not the password")
        visitor.expected.add(f"{address}/sign-in")
        page.keyboard.press("Enter")
        expect(page.locator(".govuk-error-summary")).to_be_focused()
        visitor.tab_to("a[href='/forgot']")
        page.keyboard.press("Enter")
        visitor.at("Forgotten password")
        visitor.tab_to("#email")
        page.keyboard.type("nobody@example.org")
        page.keyboard.press("Enter")
        visitor.at("Look at your e-mail")
