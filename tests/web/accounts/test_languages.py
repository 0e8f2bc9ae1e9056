"""What Python says on the pages of accounts and in e-mails can be said in another language, all of it."""

import ast
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from mapservice.web.pseudo import PADDING, PSEUDO_LETTERS, pseudo_text
from tests.support import eventually

TAG = "en-XA"
PACKAGE = Path(__file__).parents[3] / "mapservice"
HANDED_ON = {"gettext", "lazy_gettext", "english", "ngettext"}


def said(answer, *sentences):
    """Whether a page says sentences in the made-up language; their filled-in places are not looked at."""
    for sentence in sentences:
        parts = [part.translate(PSEUDO_LETTERS[TAG]) for part in sentence.split("…")]
        missing = [part for part in parts if part.replace("'", "&#39;") not in answer.text]
        assert not missing, f"{sentence}\n{answer.text}"


@pytest.fixture
def in_letters(signed_in):
    """A browser in which somebody of a role is signed in, on pages in the made-up language."""

    def make(role):
        browser = signed_in(role)
        browser.get(f"/?lang={TAG}")
        return browser

    return make


def test_what_was_done_and_what_is_wrong_is_said_in_the_language_of_the_page(in_letters):
    own = in_letters("contributor")
    said(
        own.get("/account?done=names"), "Your names were changed.", "Signed in as", "Sign out", "Contributor"
    )
    said(own.post("/account/names", form="/account", name=" "), "Enter a name")
    said(own.post("/account/names", form="/account", name="x" * 99), "Use at most …")
    wrong = own.post("/account/password", form="/account", current="not this one", password="x")
    said(wrong, "This is not your password.")
    said(own.post("/account/tokens", form="/account", label=""), "Say what the token is for, in at most …")

    lead = in_letters("administrator")
    people = lead.get("/people")
    said(people, "Reviewer", "moves stages, merges, declines, publishes", "…, everywhere")
    said(lead.post("/people", name="Somebody"), "Choose what they may do")
    nameless = lead.post("/people", name="Somebody", grant="contributor")
    said(nameless, "Enter an e-mail address or a user name")


def test_a_password_that_will_not_do_is_refused_in_the_language_of_the_page(in_letters, browse, app):
    own = in_letters("planner")
    for weak, why in (
        ("short", "Use … characters or more."),
        ("aaaaaaaaaaaaaa", "are easy to guess. Choose another"),
        ("x1" * 101, "Use at most … characters."),
    ):
        answer = own.post(
            "/account/password", form="/account", current="walnut tram orbit lantern", password=weak
        )
        assert answer.status_code == 400
        said(answer, *why.split(". "))


def test_who_cannot_sign_in_is_told_why_in_the_language_of_the_page(browse):
    somebody = browse()
    somebody.get(f"/?lang={TAG}")
    said(somebody.post("/sign-in", name="", password=""), "Enter your name here and your password")
    said(somebody.sign_in("nobody"), "This name and this password do not belong together.")
    said(somebody.post("/forgot", email="nobody"), "Enter your e-mail address, as in …")


def test_the_letter_with_a_link_is_in_the_language_of_who_asked_for_it(browse, everybody, settings):
    folder = settings.var_dir / "mail"
    before = {*folder.glob("*.eml")}
    somebody = browse()
    somebody.get(f"/?lang={TAG}")
    assert somebody.post("/forgot", email="surveyor@example.org").status_code == 200
    assert eventually(lambda: {*folder.glob("*.eml")} - before, 10)
    (letter,) = {*folder.glob("*.eml")} - before
    message = message_from_bytes(letter.read_bytes(), policy=policy.default)
    hello = pseudo_text("Hello %(name)s,", TAG).replace(PADDING, "")
    text = message.get_content()
    assert hello.split(" ")[0] in text
    assert "choose a new password here".translate(PSEUDO_LETTERS[TAG]) in text
    assert "/set-password?key=" in text
    assert "A new password for the".translate(PSEUDO_LETTERS[TAG]) in message["Subject"]


@pytest.mark.parametrize("room", ["accounts", "web/accounts"])
def test_every_sentence_is_handed_to_translators(room):
    bare = []
    for path in sorted((PACKAGE / room).glob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("CannotBe", "WeakPassword"):
                why = node.args[-1]
                known = isinstance(why, ast.Call) and getattr(why.func, "id", "") in (*HANDED_ON, "str")
                if not known and not (isinstance(why, ast.Name)):
                    bare.append(f"{path.name}:{node.lineno}")
            if room == "web/accounts" and isinstance(node, ast.Assign | ast.Dict):
                values = node.values if isinstance(node, ast.Dict) else [node.value]
                bare += [
                    f"{path.name}:{value.lineno} {value.value}"
                    for value in values
                    if isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and value.value[:1].isupper()
                    and value.value.endswith(".")
                ]
    assert not bare
