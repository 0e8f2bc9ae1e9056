"""The directory's feed is HSDS-UK 3.0: every page and every record, against the published profile."""

import json
import math
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from openapi_spec_validator import validate
from sqlalchemy import text

from mapservice.services import hsds
from mapservice.services.search import Asked, fill
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


DEPENDS = """
    WITH RECURSIVE parts AS (
        SELECT to_regclass(%(view)s)::oid AS oid
        UNION
        SELECT d.refobjid FROM parts p JOIN pg_rewrite w ON w.ev_class = p.oid
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_class'::regclass
    )
    SELECT layers.name_of(c.oid) FROM parts p JOIN pg_class c USING (oid) WHERE c.relkind = 'r'
"""
PUBLISHED = {
    **{f"register.{table}": f"layers.{table}" for table in ("assets", "green_spaces", "areas")},
    **dict.fromkeys(("register.entrances", "register.sources"), "layers.assets"),
}
"""Followed by layers, which change with every row of theirs that somebody may see and that says something."""


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_an_answer_is_made_of_is_counted(database, kind):
    def made_of(statement, values):
        cursor = psycopg.ClientCursor(connection)
        cursor.execute("DROP VIEW IF EXISTS made_of")
        cursor.execute("CREATE TEMP VIEW made_of AS " + cursor.mogrify(statement, values))
        return {name for (name,) in cursor.execute(DEPENDS, {"view": "made_of"})}

    names = {"city": "x", "province": "x"}
    asked = {
        "taxonomy_id": "x", "search": "x", "taxonomy_term_id": "x", "organization_id": "x", "minimum_age": 1,
        "maximum_age": 1, "day": "MO", "modified_after": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    near = [{"postcode": "N1 9JP"}, {"postcode": "N1 9JP", "proximity": 100}]
    filters = {
        "services": [asked],
        "service_at_locations": [{**asked, **each} for each in near],
        "taxonomies": [{"search": "x"}],
        "taxonomy_terms": [{"search": "x", "taxonomy_id": "x"}],
    }[kind]
    with database.owner.connect() as owner:
        connection = owner.connection.driver_connection
        found = made_of(hsds.one_statement(hsds.KINDS[kind]), {"uuid": None, "id": "x", **names})
        for each in filters:
            wanted = hsds.Wanted()
            fill(wanted, kind, Asked(**each))
            values = {**wanted.values, **names, "page": 1, "per_page": 1, "skip": 0}
            found |= made_of(hsds.page_statement(hsds.KINDS[kind], wanted), values)
        owner.rollback()
    assert len(found) >= 2
    counted = {PUBLISHED.get(name, name) for name in found}
    assert counted <= set(hsds.RELATIONS)
    with database.reading() as cursor:
        tracked = {name for (name,) in cursor.execute("SELECT relation FROM layers.relations")}
    assert set(hsds.RELATIONS) <= tracked


def test_a_telephone_number_is_never_an_old_one(client, database):
    with database.session("tester") as session:
        found = session.execute(
            text(
                "SELECT s.service_id, s.contact_id FROM register.service_contacts s JOIN"
                " register.contact_points c ON c.id = s.contact_id WHERE c.kind = 'phone' ORDER BY 1 LIMIT 1"
            )
        ).one()
    path = f"{HOME}/services/{found.service_id}"
    etag = client.get(path).headers["ETag"]
    with database.session("tester") as session:
        session.execute(
            text("UPDATE register.contact_points SET value = '020 7946 0123' WHERE id = :id"),
            {"id": found.contact_id},
        )
    again = client.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert "020 7946 0123" in again.text


def test_modified_after_is_of_what_is_shown_as_modified(get, database):
    late = "2035-01-01T00:00:00Z"
    assert names(get("/services", modified_after=late)) == []
    with database.owner.begin() as connection:
        connection.execute(text("ALTER TABLE register.schedules DISABLE TRIGGER touch"))
        connection.execute(
            text("UPDATE register.schedules SET updated_at = '2036-01-01Z' WHERE id = 'full-when'")
        )
        connection.execute(text("ALTER TABLE register.schedules ENABLE TRIGGER touch"))
    try:
        assert get("/services/full")["last_modified"] > late
        assert names(get("/services", modified_after=late)) == ["Łódź & <b>friends</b>"]
        assert names(get("/service_at_locations", modified_after=late)) == ["Łódź & <b>friends</b>"]
    finally:
        with database.session("tester") as session:
            session.execute(text("UPDATE register.schedules SET note = 'x' WHERE id = 'full-when'"))


def test_times_at_a_place_that_is_not_public_are_not_told(get, database):
    def hide(visibility):
        with database.session("tester") as session:
            session.execute(
                text("UPDATE register.assets SET visibility = :v WHERE id = 'finsbury-library'"),
                {"v": visibility},
            )

    asked = {"day": "TU", "start_time": "10:00", "end_time": "13:00", "search": "Łódź"}
    assert get("/services", **asked)["total_items"] == 1
    hide("council")
    try:
        assert "schedules" not in get("/services/full")
        assert get("/services", **asked)["total_items"] == 0
    finally:
        hide("public")
