"""What is said when something is wrong with the service: to those who run it, and to those who need it."""

from __future__ import annotations

import re

import pytest

from mapservice import create_app
from mapservice.database import Database
from mapservice.database.engines import cluster_address

LAST_RESORT = "020 7527 2000"
NEEDS_NO_DATABASE = ("/", "/find", "/map", "/api/conformance")
NEEDS_DATABASE = ("/find?postcode=N1+9JP", "/assets", "/assets/finsbury-library", "/green-spaces", "/data")


@pytest.fixture
def database_away(cluster, database):
    """The database refuses everybody while the test runs, as it does while it is stopped or restored."""
    name = database.reader.url.database
    with cluster.connect("postgres") as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def test_alive_and_ready(client):
    assert client.get("/health/live").get_json() == {"status": "alive"}
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.get_json() == {"status": "ready", "borough": "London Borough of Islington"}
    assert ready.headers["Cache-Control"] == "no-store"


def test_alive_but_not_ready_while_the_database_is_away(client, database_away):
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "not ready", "reason": "the database does not answer"}


def test_ready_again_by_itself_when_the_database_is_back(client, request):
    assert client.get("/health/ready").status_code == 200
    request.getfixturevalue("database_away")
    assert client.get("/health/ready").status_code == 503


def test_not_ready_where_no_database_can_be_reached(settings, front_end, tmp_path):
    nowhere = Database.at(cluster_address(tmp_path), settings)
    client = create_app(settings, nowhere).test_client()
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503
    assert client.get("/assets").status_code == 503


def test_not_ready_before_tables_and_before_a_borough(settings, front_end, bare_database):
    from mapservice.register import migrate

    client = create_app(settings, bare_database).test_client()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.get_json()["reason"] == "the tables are not set up"
    migrate.upgrade(bare_database)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.get_json()["reason"] == "no borough is loaded"


@pytest.mark.parametrize("page", NEEDS_NO_DATABASE)
def test_what_needs_no_database_goes_on(client, database_away, page):
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("page", NEEDS_DATABASE)
def test_without_the_database_people_are_told_whom_to_ring(client, database_away, page):
    answer = client.get(page)
    assert answer.status_code == 503
    assert "We cannot reach our records just now" in answer.text
    assert LAST_RESORT in answer.text
    assert 'href="tel:999"' in answer.text
    assert not re.search(r"psycopg|sqlalchemy|Traceback|connection", answer.text)


@pytest.mark.parametrize(
    "path", ["/api/collections", "/api/collections/libraries/items", "/api/lookup?postcode=N1+9JP"]
)
def test_without_the_database_programs_get_a_problem(client, database_away, path):
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == 503


def test_a_page_that_is_not_there_shows_the_way(client):
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert "We could not find that page" in answer.text
    assert LAST_RESORT in answer.text
    for way in ("/find", "/assets", "/green-spaces", "/"):
        assert f'<a class="govuk-link" href="{way}"' in answer.text
    assert client.get("/api/no-such-thing").mimetype == "application/problem+json"


def test_our_own_mistake_is_said_without_its_insides(app, client, monkeypatch):
    def mistake(**_):
        raise RuntimeError("the secret inside")

    for endpoint in ("directory.home", "api.landing"):
        monkeypatch.setitem(app.view_functions, endpoint, mistake)
    page = client.get("/")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text
    assert LAST_RESORT in page.text
    assert "secret" not in page.text
    problem = client.get("/api")
    assert problem.status_code == 500
    assert problem.mimetype == "application/problem+json"
    assert "secret" not in problem.text


def test_a_method_that_does_not_exist_here_is_refused(client):
    answer = client.post("/find", data={"postcode": "N1 9JP"})
    assert answer.status_code == 405
    assert "That does not work here" in answer.text
