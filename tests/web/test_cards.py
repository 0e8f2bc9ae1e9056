"""Places of an answer, kept in pieces: nobody can tell from the page, and what changes shows at once."""

import contextlib
import re

import pytest
from sqlalchemy import text

from mapservice import create_app
from mapservice.network.walking import STRAIGHT, Walk
from mapservice.web import cards as cards_module
from mapservice.web.cards import HOLE, Cards
from mapservice.web.keeping import Store
from mapservice.web.reading import Feature

QUESTIONS = (
    "postcode=N1+9JP&need=food",
    "postcode=N19+5PH&need=family&open=1",
    "postcode=EC1V+4NB",
    "postcode=N5+1BT&need=wellbeing&outdoors=1",
    "postcode=N7+0SX&need=food&lang=en-XA",
    "locality=central&need=home",
    "postcode=EC2V+7HH&need=money&language=Somali",
)


@contextlib.contextmanager
def keeping_nothing(app):
    """Everything is rendered anew, each time."""
    store = app.jinja_env.kept_parts
    most, store.most = store.most, 0
    try:
        yield
    finally:
        store.most = most


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_page_put_together_is_the_page_rendered_anew_to_the_byte(app, question):
    client = app.test_client()
    first, kept = (client.get(f"/find?{question}").data for _ in range(2))
    with keeping_nothing(app):
        anew = client.get(f"/find?{question}").data
    assert first == kept == anew
    assert b"app-place__name" in kept
    assert HOLE.encode() not in kept
    assert b"&lt;li" not in kept


def test_who_reads_another_language_changes_nobody_elses_page(app):
    page, client = "/find?postcode=N1+9JP&need=food", app.test_client()
    before = client.get(page).data
    other = app.test_client().get(f"{page}&lang=en-XA").data
    assert other != before
    assert client.get(page).data == before


def test_a_place_that_changes_shows_at_once(fresh_database, settings, front_end):
    app = create_app(settings, fresh_database)
    client, page = app.test_client(), "/find?postcode=N1+9JP&need=food"
    assert "Finsbury Library" in client.get(page).text
    with fresh_database.session("tests") as session:
        session.execute(
            text("UPDATE register.assets SET name = 'A <b>New</b> Name' WHERE id = 'finsbury-library'")
        )
    after = client.get(page).text
    assert "A &lt;b&gt;New&lt;/b&gt; Name" in after
    assert "Finsbury Library" not in re.sub(r"<form.*?</form>", "", after, flags=re.DOTALL)


def test_who_writes_the_sign_of_a_hole_makes_none(app):
    name = f"A {HOLE} place"
    feature = Feature("x", {"name": name}, None, distance_m=240.0, walk=Walk(240.0, STRAIGHT), key=(name,))
    with app.test_request_context("/find"):
        card = Cards().place(feature)
    assert card.count("in a straight line") == 1
    assert name in card


def test_cards_are_rendered_once_for_all_distances(app, monkeypatch):
    times = iter(range(100))
    macros = {
        "place_item": lambda feature, *_, far: f"{next(times)} {feature.id} {far}",
        "distance_line": lambda metres, *_: metres,
    }
    monkeypatch.setattr(cards_module, "get_template_attribute", lambda _, name: macros[name])
    with app.test_request_context("/find"):
        drawn = Cards()
        drawn._store = Store()
        near = [Feature("x", {}, None, distance_m=metres, key=("x",)) for metres in (100, 200, 100)]
        assert [drawn.place(one) for one in near] == ["0 x 100 metres", "0 x 200 metres", "0 x 100 metres"]
        assert drawn.place(Feature("x", {}, None, key=("x",))) == "1 x "
        assert drawn.place(Feature("x", {}, None, distance_m=100, key=("y",))) == "2 x 100 metres"
