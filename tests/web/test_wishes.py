"""What no fact can answer is said before anybody relies on it, and no longer once the facts are there."""

import pytest

from mapservice import create_app
from mapservice.web import wishes

NOBODY_KNOWS = "We do not know yet of any place whether it has a way in without steps"


@pytest.fixture
def execute(fresh_database):
    def run(statement):
        with fresh_database.session("tester", as_owner=True) as session:
            session.connection().connection.cursor().execute(statement)

    return run


def test_a_wish_says_of_how_many_places_it_is_known(
    fresh_database, settings, front_end, execute, monkeypatch
):
    monkeypatch.setattr(wishes, "HOLDS_S", -1.0)
    client = create_app(settings, fresh_database).test_client()
    question = "/find?postcode=N1+9JP&need=food&step_free=1"
    for page in ("/", "/find", question):
        assert NOBODY_KNOWS in client.get(page).text, page
        assert "which languages are spoken there: ring before you go" in client.get(page).text
    answer = client.get(question).text
    assert answer.index(NOBODY_KNOWS, answer.index("Start here")) < answer.index("Search without")

    execute("UPDATE register.assets SET step_free = 'no' WHERE id = 'finsbury-library'")
    for page in ("/find", question):
        text = client.get(page).text
        assert NOBODY_KNOWS not in text
        assert "We know this of 1 of" in text
    execute("UPDATE register.assets SET step_free = 'yes'")
    assert (
        "We know this of" not in client.get("/find").text.split("wish-step_free")[2].split("wish-children")[0]
    )


def test_without_a_database_the_question_is_asked_as_before(settings, front_end, bare_database):
    assert "Only some places will do" in create_app(settings, bare_database).test_client().get("/find").text
