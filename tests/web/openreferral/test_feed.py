"""The directory's feed is HSDS-UK 3.0: every page and every record, against the published profile."""

import json
import math
import uuid
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from sqlalchemy import text

from tests.web.openreferral.profile import validator

HOME = "/openreferral/3.0"
FULL_SERVICE = Path(__file__).parent / "full_service.sql"
KINDS = {
    "services": "service",
    "service_at_locations": "service_at_location",
    "taxonomies": "taxonomy",
    "taxonomy_terms": "taxonomy_term",
}


@pytest.fixture(scope="module", autouse=True)
def everything_filled_in(database):
    """One service with all there can be, so that every nested object of the profile is in an answer."""
    with database.session("tester") as session:
        session.execute(text(FULL_SERVICE.read_text()))


@pytest.fixture
def get(client):
    def ask(path, **parameters):
        response = client.get(f"{HOME}{path}", query_string=parameters)
        assert response.status_code == 200, (path, response.text[:500])
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.content_type == "application/json"
        return response.get_json()

    return ask


def nothing_unknown(value):
    """Neither null nor empty anywhere."""
    if isinstance(value, dict):
        return all(nothing_unknown(each) for each in value.values())
    if isinstance(value, list):
        return bool(value) and all(nothing_unknown(each) for each in value)
    return value is not None and value != ""


def test_the_root_says_which_standard(get):
    for path in ("", "/"):
        root = get(path)
        assert root["version"] == "HSDS-UK-3.0"
        validator("api_details").validate(root)


@pytest.mark.parametrize("kind,schema", KINDS.items())
def test_every_page_and_every_record_is_valid(get, kind, schema):
    seen = []
    page = 1
    while True:
        answer = get(f"/{kind}", page=page, per_page=20)
        validator("page").validate(answer)
        assert answer["page_number"] == page
        assert answer["size"] == len(answer["contents"]) <= 20
        assert answer["first_page"] == (page == 1)
        assert answer["last_page"] == (page == answer["total_pages"])
        assert answer["empty"] is False
        assert answer["total_pages"] == math.ceil(answer["total_items"] / 20)
        for item in answer["contents"]:
            validator(schema, listed=True).validate(item)
            assert nothing_unknown(item)
        seen += [item["id"] for item in answer["contents"]]
        if answer["last_page"]:
            break
        page += 1
    assert len(seen) == len(set(seen)) == answer["total_items"]
    for wanted in seen:
        whole = get(f"/{kind}/{wanted}")
        validator(schema).validate(whole)
        assert whole["id"] == wanted
        assert nothing_unknown(whole)


def test_a_full_record_holds_every_nested_object(get):
    service = get("/services/full")
    validator("service").validate(service)
    assert service["name"] == "Łódź & <b>friends</b>"
    for part in (
        "organization", "schedules", "service_areas", "service_at_locations", "languages", "cost_options",
        "contacts", "attributes",
    ):  # fmt: skip
        assert service[part], part
    location = service["service_at_locations"][0]["location"]
    assert 51 < location["latitude"] < 52
    assert -1 < location["longitude"] < 0
    assert location["addresses"][0]["country"] == "GB"
    assert location["accessibility"][0]["description"] == "Step-free way in"
    assert service["contacts"][0]["phones"][0]["number"] == "020 7000 0000"
    assert service["schedules"][0]["byday"] == "1TU,-1FR"
    assert service["cost_options"][0]["amount"] == 3.5
    assert service["attributes"][0]["taxonomy_term"]["name"] == "Money"
    assert service["assured_date"] == "2026-01-02"


def test_ids_are_uuids_that_stay(get, database):
    before = {item["id"] for item in get("/services", per_page=500)["contents"]}
    assert all(str(uuid.UUID(each)) == each for each in before)
    with database.session("tester", as_owner=True) as session:
        found = session.execute(text("SELECT register.uuid_of('services', 'bright-start')")).scalar_one()
    assert str(found) in before


def test_made_up_examples_and_what_is_not_public_stay_out(get, database):
    assert "Example" not in json.dumps(get("/services", per_page=500))
    assert get("/services", search="Bright")["total_items"] == 2
    with database.session("tester") as session:
        session.execute(text("UPDATE register.services SET visibility = 'network' WHERE id = 'bright-start'"))
    try:
        assert get("/services", search="Bright")["total_items"] == 1
    finally:
        with database.session("tester") as session:
            session.execute(
                text("UPDATE register.services SET visibility = 'public' WHERE id = 'bright-start'")
            )


def names(answer):
    return [item.get("name") or item["service"]["name"] for item in answer["contents"]]


def test_filters_choose(get):
    assert names(get("/services", search="youth SUPPORT")) == ["Targeted Youth Support"]
    assert "Bright Start" in names(get("/services", maximum_age=5))
    assert "Bright Futures" not in names(get("/services", maximum_age=5))
    assert names(get("/services", minimum_age=16)) == ["Łódź & <b>friends</b>"]
    money = get("/taxonomy_terms", search="Money")["contents"][0]["id"]
    assert sorted(names(get("/services", taxonomy_term_id=money))) == [
        "Access Islington", "Fairer Together Hub", "Łódź & <b>friends</b>",
    ]  # fmt: skip
    assert get("/services", taxonomy_id="support-dimensions")["total_items"] > 30
    assert get("/services", taxonomy_term_id=str(uuid.uuid4()))["total_items"] == 0


def test_day_and_time_have_to_fit_one_session(get):
    assert names(get("/services", day="SU")) == ["Public library"]
    sunday = get("/service_at_locations", day="sunday")
    assert [item["location"]["name"] for item in sunday["contents"]] == ["Islington Central Library"]
    assert "Bright Start" in names(get("/services", day="MO", start_time="09:00", end_time="12:00"))
    assert "Bright Start" not in names(get("/services", day="MO", start_time="09:30"))
    assert names(get("/services", day="SU", start_time="18:00")) == []


def test_a_postcode_with_proximity_measures_and_alone_asks_who_it_is_for(get):
    near = get("/service_at_locations", postcode="ec1v4nb", proximity=300)
    assert near["total_items"] > 0
    assert all(51.52 < item["location"]["latitude"] < 51.54 for item in near["contents"])
    wide = get("/service_at_locations", postcode="EC1V 4NB", proximity=20_000)
    assert wide["total_items"] > near["total_items"]
    everyone = get("/service_at_locations", per_page=500)
    here = get("/service_at_locations", postcode="EC1V 4NB", per_page=500)
    north = get("/service_at_locations", postcode="N19 5QT", per_page=500)
    assert here["total_items"] == everyone["total_items"]
    assert "Łódź & <b>friends</b>" in names(here)
    assert "Łódź & <b>friends</b>" not in names(north)


def test_a_page_past_the_last_is_empty(get):
    beyond = get("/services", page=1000)
    assert beyond["contents"] == []
    assert beyond["empty"] is True
    assert beyond["last_page"] is True
    nothing = get("/services", search="no such words")
    assert (nothing["total_items"], nothing["total_pages"], nothing["empty"]) == (0, 0, True)


@pytest.mark.parametrize(
    "path,parameter",
    [
        ("/services?page=0", "page"),
        ("/services?per_page=x", "per_page"),
        ("/services?day=someday", "day"),
        ("/services?start_time=25:00", "start_time"),
        ("/services?minimum_age=-1", "minimum_age"),
        ("/services?wheelchair=yes", "wheelchair"),
        ("/services?search=a%00b", "search"),
        ("/service_at_locations?proximity=100", "proximity"),
        ("/service_at_locations?postcode=N1+9JP&proximity=nan", "proximity"),
        ("/service_at_locations?postcode=nonsense", "postcode"),
    ],
)
def test_what_is_wrong_is_said(client, path, parameter):
    response = client.get(HOME + path)
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert parameter in response.get_json()["detail"]


@pytest.mark.parametrize(
    "path", ["/services/nothing", f"/taxonomies/{uuid.UUID(int=0)}", "/organizations", "/x"]
)
def test_what_is_not_there_is_a_problem_too(client, path):
    response = client.get(HOME + path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_an_unchanged_answer_is_not_sent_again_and_a_change_is_seen(client, database):
    path = f"{HOME}/services/full"
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    with database.session("tester") as session:
        session.execute(text("UPDATE register.cost_options SET amount = 4 WHERE id = 'full-cost'"))
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.get_json()["cost_options"][0]["amount"] == 4
    assert again.get_json()["last_modified"] > first.get_json()["last_modified"]


def test_the_feed_is_described_and_has_a_page_for_people(client):
    document = client.get(f"{HOME}/openapi.json").get_json()
    validate(document)
    assert len(document["paths"]) == 9
    page = client.get("/openreferral")
    assert page.status_code == 200
    assert f"{HOME}/" in page.text
