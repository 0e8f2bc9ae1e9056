"""Pages in another language: how it is chosen and kept, and that no text of the pages escapes translation."""

import re

from babel.messages.pofile import read_po

from mapservice.web import pseudo, translating
from mapservice.web.languages import TEMPLATE


def test_the_template_holds_every_text_of_the_code():
    """`make translations` writes it anew."""
    with TEMPLATE.open("rb") as file:
        kept = {message.id for message in read_po(file) if message.id}
    assert kept == {message.id for message in translating.extract() if message.id}


def test_a_language_is_chosen_by_the_address_then_the_cookie_then_the_browser(client):
    asked = client.get("/?lang=en-XA")
    assert '<html lang="en-XA"' in asked.text
    assert asked.headers["Content-Language"] == "en-XA"
    assert {"accept-language", "cookie"} <= {name.lower() for name in asked.vary}
    assert client.get_cookie("lang").value == "en-XA"
    assert '<html lang="en-XA"' in client.get("/assets").text
    assert '<html lang="en"' in client.get("/assets?lang=en").text
    assert '<html lang="en"' in client.get("/assets").text
    client.delete_cookie("lang")
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "ar-XB, fr;q=0.5"}).text
    assert '<html lang="en"' in client.get("/?lang=no-such").text
    assert client.get_cookie("lang") is None


def test_the_api_speaks_english_whatever_is_asked(client):
    client.set_cookie("lang", "en-XA")
    assert '<html lang="en"' in client.get("/api/collections?f=html").text


def test_a_language_from_right_to_left_says_so_and_brings_its_own_styles(client):
    page = client.get("/?lang=ar-XB").text
    assert re.search(r'<body class="[^"]*" dir="rtl">', page)
    assert re.search(r"/static/dist/site\.rtl-[A-Z0-9]{8}\.css", page)
    assert 'dir="rtl"' not in client.get("/?lang=en").text


def test_what_a_program_fills_in_and_markup_are_left_alone():
    for tag in pseudo.PSEUDO_LETTERS:
        said = pseudo.pseudo_text('Ring %(name)s <a href="/find">now</a> &amp; 100%%', tag)
        assert "%(name)s" in said
        assert '<a href="/find">' in said
        assert "&amp;" in said
        assert "%%" in said
        assert len(said) > 1.3 * len("Ring %(name)s now 100%%")
        assert not re.search(r"\b(Ring|now)\b", said)
