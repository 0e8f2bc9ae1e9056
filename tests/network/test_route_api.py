"""/api/route: the way to a place as a line, what it rests on, and refusals that say what to do."""

import numpy as np
import pytest
from convertbng.cutil import convert_bng

from mapservice.network.walking import walking


def ask(client, **parameters):
    return client.get("/api/route", query_string=parameters)


@pytest.fixture(scope="module")
def app(walked, settings, front_end):
    from mapservice import create_app

    return create_app(settings, walked)


def test_a_route_follows_the_streets_from_the_postcode_to_the_place(client):
    response = ask(client, **{"from": "n19jp", "to": "finsbury-library"})
    assert response.status_code == 200
    assert response.content_type.startswith("application/geo+json")
    assert response.headers["Cache-Control"] == "no-store", "it says where somebody is"
    route = response.get_json()
    line = route["geometry"]["coordinates"]
    place = client.get("/api/collections/assets/items/finsbury-library").get_json()
    start = client.get("/api/lookup?postcode=N1+9JP").get_json()
    assert line[0] == pytest.approx([start["longitude"], start["latitude"]], abs=2e-6)
    assert line[-1] == pytest.approx(place["geometry"]["coordinates"][:2], abs=2e-6)
    told = route["properties"]
    assert (told["from"], told["to"], told["name"]) == ("N1 9JP", "finsbury-library", "Finsbury Library")
    assert told["measured"] == "path"
    assert told["minutes"] == -(-told["metres"] // 80)
    assert length(line) == pytest.approx(told["metres"], rel=0.02), "the line is as long as it says"
    assert told["attribution"] == "Contains OS data © Crown copyright and database right."
    assert told["licence_url"].startswith("https://www.nationalarchives.gov.uk/")


def test_a_route_is_as_long_as_the_walk_that_was_measured(client, walked):
    with walked.reading() as cursor:
        walks = walking(cursor, 0, 0, "N1 9JP")
    for (subject, place), metres in list(walks.metres.items())[::10]:
        goal = f"{subject}/{place}"
        assert ask(client, **{"from": "N1 9JP", "to": goal}).get_json()["properties"]["metres"] == metres


def test_a_route_from_a_point_and_without_steps(client):
    asked = {"from": "-0.1069,51.5326", "to": "finsbury-library", "step-free": "true"}
    told = ask(client, **asked).get_json()
    assert told["properties"]["from"] is None
    assert told["properties"]["step_free"] is True


def test_where_no_way_is_known_the_line_is_straight_and_says_so(client):
    # Far from any street of the network.
    route = ask(client, **{"from": "-0.3,51.4", "to": "finsbury-library"}).get_json()
    assert len(route["geometry"]["coordinates"]) == 2
    told = route["properties"]
    assert told["measured"] == "straight line"
    assert told["step_free"] is None
    assert told["attribution"] is None


@pytest.mark.parametrize(
    "parameters,status,named",
    [
        ({}, 400, {"from", "to"}),
        ({"from": "N1 9JP"}, 400, {"to"}),
        ({"from": "1,2,3", "to": "finsbury-library"}, 400, {"from"}),
        ({"from": "nan,51", "to": "finsbury-library"}, 400, {"from"}),
        ({"from": "100,51", "to": "finsbury-library"}, 400, {"from"}),
        ({"from": "N1 9JP", "to": "wards/x"}, 400, {"to"}),
        ({"from": "N1 9JP", "to": "x", "step-free": "perhaps"}, 400, {"step-free"}),
        ({"from": "ZZ9 9ZZ", "to": "finsbury-library"}, 404, {"from"}),
        ({"from": "hello", "to": "finsbury-library"}, 404, {"from"}),
        ({"from": "N1 9JP", "to": "no-such-place"}, 404, set()),
        ({"from": "N1 9JP", "to": "a\x00b"}, 404, set()),
        ({"from": "N1 9JP", "to": "finsbury-library", "via": "x"}, 400, {"via"}),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(client, parameters, status, named):
    response = ask(client, **parameters)
    assert response.status_code == status
    problem = response.get_json()
    assert response.content_type.startswith("application/problem+json")
    assert {mistake["parameter"] for mistake in problem.get("errors", [])} == named
    assert problem["detail"]


def test_a_place_that_is_not_public_has_no_route(client, walked):
    with walked.session("tester", as_owner=True) as session:
        session.connection().exec_driver_sql(
            "UPDATE register.assets SET visibility = 'council' WHERE id = 'archway-library'"
        )
    assert ask(client, **{"from": "N1 9JP", "to": "archway-library"}).status_code == 404


def length(line):
    east, north = convert_bng(*(np.array(column) for column in zip(*line, strict=True)))
    return float(np.hypot(np.diff(east), np.diff(north)).sum())
