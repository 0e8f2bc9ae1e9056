"""Signing in with a council's directory, against a real provider that can lie."""

import re
import time
from dataclasses import replace

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice import create_app
from mapservice.accounts import people
from mapservice.accounts.directory import Claims, account_of_claims, parse_role_map
from mapservice.accounts.people import CannotBe
from mapservice.settings import SettingsError
from tests.web.accounts.provider import CLIENT, SECRET, running
from tests.web.conftest import Browser

ROLES = "gis-team=planner, parks=reviewer@south, parks=contributor"


@pytest.fixture(scope="module")
def provider():
    with running() as provider:
        yield provider


@pytest.fixture(scope="module")
def council(settings, database, provider, front_end):
    """The application with the provider as its directory."""
    return create_app(with_directory(settings, provider.discovery), database)


def with_directory(settings, discovery, roles=ROLES):
    given = {
        "oidc_discovery_url": discovery,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SecretStr(SECRET),
        "oidc_roles": roles,
        "oidc_name": "your Example council account",
    }
    return settings.model_copy(update=given)


@pytest.fixture
def comes(council, provider):
    """A function that has somebody come by way of the provider; gives their browser and the answer."""

    def come(lies=None, foreign_key=False, start="/sign-in/directory", before_return=None, **claims):
        provider.claims, provider.lies, provider.foreign_key = claims, lies or {}, foreign_key
        browser = Browser(council.test_client())
        away = browser.get(start)
        assert away.status_code == 302
        back = requests.get(away.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
        path = "/" + back.split("/", 3)[3]
        return browser, browser.get(before_return(path) if before_return else path)

    return come


def test_the_way_in_is_offered_with_its_name(council, client):
    assert "Sign in with your Example council account" in council.test_client().get("/sign-in").text
    assert "directory" not in client.get("/sign-in").text
    assert client.get("/sign-in/directory").status_code == 404


def test_who_is_in_a_group_is_let_in_with_its_roles(comes, provider, council):
    browser, answer = comes(
        start="/sign-in/directory?next=/data", sub="1", name="Ola Officer", groups=["parks", "x"]
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/data")
    page = browser.get("/account").text
    assert "Ola Officer" in page
    assert "Contributor, Reviewer for South" in page
    assert {"code_challenge", "state", "nonce"} <= {*provider.asked[-1]}
    assert provider.asked[-1]["code_challenge_method"] == "S256"
    with council.extensions["database"].session("tests") as session:
        (found,) = [each for each in people.list_people(session) if each.name == "Ola Officer"]
    assert found.email is None, "no more is kept than a name"
    browser, _ = comes(sub="1", name="Ola Officer", groups=["gis-team"])
    page = browser.get("/account").text
    assert "Planner" in page
    assert "Reviewer" not in page
    _, answer = comes(sub="1", name="Ola Officer", groups=[])
    assert answer.status_code == 403, "who left every group is let in no more"


def test_what_an_administrator_gave_stays(comes, council):
    comes(sub="2", name="Pat Planner", groups="gis-team")
    with council.extensions["database"].session("tests") as session:
        (found,) = [each for each in people.list_people(session) if each.name == "Pat Planner"]
        people.change_grants(session, found.id, people.parse_grants(["surveyor"]))
    browser, _ = comes(sub="2", name="Pat Planner", groups=[])
    page = browser.get("/account").text
    assert "Surveyor" in page
    assert "Planner</dd>" not in page


def test_who_is_in_no_group_is_not_let_in_and_not_kept(comes, council):
    browser, answer = comes(sub="3", name="Nemo Nobody", groups=["strangers"])
    assert answer.status_code == 403
    assert "ask an administrator" in answer.text.lower()
    assert browser.get("/account").status_code == 303
    with council.extensions["database"].session("tests") as session:
        assert (
            session.execute(text("SELECT count(*) FROM accounts.identities WHERE subject = '3'")).scalar()
            == 0
        )


def test_the_same_address_is_not_the_same_person(comes, council):
    with council.extensions["database"].session("tests") as session:
        own = people.add_person(
            session, "Owner", people.parse_grants(["administrator"]), email="o@example.org"
        )
    browser, _ = comes(sub="4", name="Owner", email="o@example.org", email_verified=True, groups=["gis-team"])
    assert browser.get("/people").status_code == 403
    with council.extensions["database"].session("tests") as session:
        identities = session.execute(text("SELECT account_id FROM accounts.identities")).scalars().all()
    assert own not in identities


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": ["another-client"], "azp": CLIENT},
        {"iss": "http://127.0.0.1:1"},
        {"exp": int(time.time()) - 3600},
        {"sub": None},
    ],
    ids=["another nonce", "no nonce", "for another", "for several", "by another", "expired", "of nobody"],
)
def test_a_token_that_does_not_hold_lets_nobody_in(comes, lies):
    browser, answer = comes(lies=lies, sub="5", name="Liar", groups=["gis-team"])
    assert answer.status_code == 401
    assert "did not answer as it should" in answer.text
    assert browser.get("/account").status_code == 303


def test_a_token_signed_by_another_lets_nobody_in(comes):
    _, answer = comes(foreign_key=True, sub="6", name="Forger", groups=["gis-team"])
    assert answer.status_code == 401


def test_an_answer_to_another_browser_or_no_question_lets_nobody_in(comes, council, provider):
    for path in ("/sign-in/directory/answer", "/sign-in/directory/answer?code=x&state=y&error=access_denied"):
        assert council.test_client().get(path).status_code == 401
    _, answer = comes(
        sub="7",
        name="Seven",
        groups=["parks"],
        before_return=lambda path: re.sub("state=[^&]+", "state=forged", path),
    )
    assert answer.status_code == 401
    kept = []
    comes(sub="7", name="Seven", groups=["parks"], before_return=lambda path: kept.append(path) or "/")
    assert council.test_client().get(kept[0]).status_code == 401, "it is bound to the browser that asked"


def test_a_directory_that_is_away_is_said_and_passwords_still_work(settings, database, front_end, everybody):
    away = create_app(
        with_directory(settings, "http://127.0.0.1:9/.well-known/openid-configuration"), database
    )
    browser = Browser(away.test_client(), address="203.0.113.9")
    assert browser.get("/sign-in/directory").status_code == 503
    assert browser.sign_in("contributor").status_code == 303


@pytest.mark.parametrize("roles", ["gis-team", "gis-team=king", "gis-team=planner@south", "=planner"])
def test_a_wrong_mapping_is_told_at_the_start(settings, database, front_end, roles):
    with pytest.raises(SettingsError, match="MAPSERVICE_OIDC_ROLES"):
        create_app(with_directory(settings, "http://127.0.0.1:9/x", roles), database)


def test_a_directory_that_takes_the_last_administrator_away_is_told_of(database, caplog):
    roles = parse_role_map("heads=administrator,gis-team=planner")
    with Session(database.editor) as session:  # rolled back at the end
        session.execute(text("UPDATE accounts.accounts SET disabled_at = now()"))
        head = Claims("https://login.example", "head", "Hedy", frozenset({"heads"}))
        account_id = account_of_claims(session, head, roles)
        with pytest.raises(CannotBe, match="last administrator"):
            people.disable(session, account_id)
        moved = replace(head, groups=frozenset({"gis-team"}))
        assert account_of_claims(session, moved, roles) == account_id
        actions = session.scalars(
            text("SELECT action FROM accounts.events WHERE account_id = :id"), {"id": account_id}
        ).all()
    assert "last administrator taken away by the directory" in actions
    assert "last administrator" in caplog.text
