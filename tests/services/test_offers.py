"""What places offer, from what the repository itself ships."""

import pytest

from mapservice.services.offers import offers, offers_at


@pytest.fixture
def cursor(database):
    with database.reading() as cursor:
        yield cursor


def test_a_library_offers_its_service_when_it_is_open(cursor):
    found = {offer.service: offer for offer in offers_at(cursor, ["finsbury-library"])["finsbury-library"]}
    assert set(found) == {"public-libraries", "fairer-together-hub"}
    assert found["public-libraries"].sessions[0] == "Mondays, 9am to 8pm"
    assert sorted(found["fairer-together-hub"].needs) == [
        "family", "food", "home", "money", "wellbeing", "work",
    ]  # fmt: skip
    assert found["fairer-together-hub"].phone == "020 7527 2000"


def test_made_up_examples_are_nobodys_help(cursor):
    assert not any(offer.demonstration for offer in offers(cursor))
    examples = offers(cursor, examples=True)
    assert len(examples) == 7
    assert all(offer.demonstration and offer.name.startswith("Example") for offer in examples)


@pytest.mark.parametrize(
    "service,words",
    [
        ("example-money-advice", ["Tuesdays, 10am to 1pm"]),
        ("example-gardening-group", ["The first Saturday and third Saturday of the month, 10am to 12 noon"]),
        (
            "example-warm-space",
            ["Mondays and Thursdays, 11am to 4pm, November to March"],
        ),
        ("example-volunteering", ["Every second week on Sunday, 11am to 1:30pm"]),
        ("example-open-day", ["Saturday 15 May 2027, 11am to 3pm"]),
    ],
)
def test_sessions_are_said_in_words(cursor, service, words):
    assert [o.sessions for o in offers(cursor, examples=True) if o.service == service] == [words]
