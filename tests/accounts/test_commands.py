"""`mapservice users` and `mapservice tokens`, as typed."""

import os
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from mapservice.accounts import people, sessions
from mapservice.accounts.passwords import verify_password
from mapservice.cli import cli
from mapservice.database import locks
from mapservice.database.locks import Holder
from mapservice.database.opening import lock_file
from mapservice.serving import known_address
from mapservice.settings import OperatorError

PASSWORD = "walnut tram orbit lantern"


@pytest.fixture
def typed(database, cluster, monkeypatch):
    """A function that types a command and gives what it printed; mistakes raise OperatorError."""
    name = database.reader.url.database
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@/{name}?host={cluster.socket_dir}")
    monkeypatch.setenv("MAPSERVICE_PUBLIC_URL", "https://maps.example.org")

    def run(*words, whole=False):
        result = CliRunner().invoke(cli, words)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result if whole else result.stdout

    return run


def one(database, statement):
    with database.session("tests") as session:
        return session.execute(text(statement)).one()


def test_the_first_administrator(database, typed):
    printed = typed("users", "invite", "Ada", "--email", "ada@example.org", "--role", "administrator")
    assert re.fullmatch(r"https://maps\.example\.org/set-password\?key=[\w-]{43}\n", printed)
    assert re.search(r"ada@example\.org +Ada +administrator  no password", typed("users", "list"))
    actor = one(database, "SELECT DISTINCT actor FROM accounts.events")
    assert actor == ("mapservice users invite",)


def test_the_address_in_a_link_is_that_of_the_running_service(settings, tmp_path):
    mine = settings.model_copy(update={"var_dir": tmp_path})
    assert known_address(mine) is None
    serving = Holder("mapservice serve", os.getpid(), "http://127.0.0.1:8123")
    with locks.exclusive(lock_file(mine), serving):
        assert known_address(mine) == "http://127.0.0.1:8123"
        public = mine.model_copy(update={"public_url": "https://maps.example.org"})
        assert known_address(public) == "https://maps.example.org"


def test_an_address_that_is_assumed_is_said_to_be(database, typed, monkeypatch):
    monkeypatch.delenv("MAPSERVICE_PUBLIC_URL")
    monkeypatch.setenv("MAPSERVICE_PORT", "8199")
    result = typed("users", "invite", "Eve", "--email", "eve@example.org", whole=True)
    assert result.stdout.startswith("http://127.0.0.1:8199/set-password?key=")
    assert "http://127.0.0.1:8199 is assumed" in result.stderr
    assert "MAPSERVICE_PUBLIC_URL" in result.stderr


def test_a_person_from_adding_to_disabling(database, typed):
    account_id = typed("users", "add", "Ben", "--user-name", "ben", "--password", PASSWORD).strip()
    kept = one(database, "SELECT password_hash FROM accounts.accounts WHERE user_name = 'ben'")[0]
    assert verify_password(kept, PASSWORD)
    assert "reviewer@south surveyor" in typed("users", "roles", "ben", "surveyor", "reviewer@south")
    assert "/set-password?key=" in typed("users", "reset-password", account_id)
    with database.session("tests") as session:
        sessions.start_session(session, account_id, "x", sessions.HALF_WAY)
    assert "disabled" in typed("users", "disable", "ben")
    assert one(database, "SELECT count(*) FROM accounts.sessions") == (0,)
    assert "disabled" not in typed("users", "disable", "ben", "--undo")


@pytest.mark.parametrize(
    "words, said",
    [
        (("users", "invite", "X", "--role", "planner"), "e-mail address or a user name"),
        (("users", "invite", "X", "--email", "x@example.org", "--role", "king"), "is not a role"),
        (("users", "add", "X", "--user-name", "x", "--password", "password1234"), "common password"),
        (("users", "roles", "nobody", "planner"), "There is nobody 'nobody'"),
        (("users", "disable", "nobody"), "There is nobody"),
    ],
)
def test_mistakes_are_said_and_change_nothing(database, typed, words, said):
    before = one(database, "SELECT count(*) FROM accounts.accounts")
    with pytest.raises(OperatorError, match=said):
        typed(*words)
    assert one(database, "SELECT count(*) FROM accounts.accounts") == before


def test_the_last_administrator_stays_whoever_types(database, typed):
    typed("users", "add", "Cat", "--user-name", "cat", "--role", "administrator", "--password", PASSWORD)
    with database.session("tests") as session:
        others = [
            p.id for p in people.list_people(session) if "administrator" in p.roles and p.user_name != "cat"
        ]
    for other in others:
        typed("users", "disable", other)
    with pytest.raises(OperatorError, match="last administrator"):
        typed("users", "disable", "cat")
    with pytest.raises(OperatorError, match="last administrator"):
        typed("users", "roles", "cat", "planner")


def test_a_token_for_a_program_and_none_for_a_person_by_accident(database, typed):
    assert typed("tokens", "add", "feeder", "--edit").startswith("ms_")
    assert one(database, "SELECT role FROM accounts.grants WHERE account_id = 'feeder'") == ("planner",)
    typed("users", "add", "Dan", "--user-name", "dan", "--password", PASSWORD)
    with database.session("tests") as session:
        dan = people.find_by_sign_in_name(session, "dan").id
    with pytest.raises(OperatorError, match="account of a person"):
        typed("tokens", "add", dan, "--edit")
    with database.session("tests") as session:
        assert {str(grant) for grant in people.find_person(session, dan).grants} == {"contributor"}
