"""Pages in another language: how it is chosen and kept, and that no text of the pages escapes translation."""

import re
from dataclasses import replace

from babel.messages.pofile import read_po
from babel.support import NullTranslations
from flask import g

from mapservice import create_app
from mapservice.web import languages, pseudo, translating
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


BROKEN = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: cy\\n"
"Plural-Forms: nplurals=2; plural=n != 1;\\n"

msgid "Help near %(where)s"
msgstr "Cymorth ger %(ble)s"

msgid "Every page"
msgstr "Pob 100% tudalen"

msgid "%(num)s place"
msgid_plural "%(num)s places"
msgstr[0] "Un lle"
msgstr[1] "%(num)s lle"

msgid "%(num)s door"
msgid_plural "%(num)s doors"
msgstr[0] "%(num)s drws"
msgstr[1] "%(rhif)s drws"

msgid "Ring %(name)s"
msgstr "Ffoniwch %(name)s"
"""


def test_a_mistranslated_placeholder_takes_one_text_away_and_not_the_language(
    settings, database, front_end, tmp_path, monkeypatch, caplog
):
    (tmp_path / "cy.po").write_text(BROKEN)
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    app = create_app(settings, database)
    with app.test_request_context("/?lang=cy"):
        assert languages.current_language().tag == "cy"
        said = app.jinja_env.from_string(
            '{{ _("Help near %(where)s", where="<N1>") }}|{{ _("Every page") }}|'
            '{{ ngettext("%(num)s place", "%(num)s places", 1) }}|'
            '{{ ngettext("%(num)s place", "%(num)s places", 2) }}|'
            '{{ ngettext("%(num)s door", "%(num)s doors", 2) }}|{{ _("Ring %(name)s", name="A") }}'
        ).render()
        assert said == "Help near &lt;N1&gt;|Every page|Un lle|2 lle|2 doors|Ffoniwch A"
        assert languages.gettext("Help near %(where)s", where="N1") == "Help near N1"
    for text in ("ble", "100%", "rhif"):
        assert text in caplog.text
    assert "Un lle" not in caplog.text
    assert app.test_client().get("/?lang=cy").status_code == 200
    assert app.test_client().get("/no-such-page?lang=cy").status_code == 404


def test_what_cannot_be_filled_in_all_the_same_is_said_in_english(app, monkeypatch, caplog):
    wrong = NullTranslations()
    monkeypatch.setattr(wrong, "gettext", lambda text: "%(nobody)s %")
    monkeypatch.setattr(wrong, "ngettext", lambda one, many, count: "%(nobody)s")
    with app.test_request_context("/"):
        g.language = replace(languages.ENGLISH, translations=wrong)
        said = app.jinja_env.from_string(
            '{{ _("a %(b)s", b=1) }}, {{ ngettext("%(num)s c", "%(num)s d", 2) }}'
        )
        assert said.render() == "a 1, 2 d"
        assert languages.gettext("a %(b)s", b=1) == "a 1"
    assert "does not fit" in caplog.text
