"""Create, replace, update, delete: for accounts that may, with optimistic locking, and nothing lost."""

import threading

import pytest
from sqlalchemy import text

from mapservice.accounts.account import put_program
from mapservice.accounts.tokens import issue_token, list_tokens, revoke_token

PLACE = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-0.1045, 51.5265]},
    "properties": {"name": "St. Example's Hall (test)", "categories": ["community-centre"]},
}
SQUARE = [[[-0.105, 51.53], [-0.1045, 51.53], [-0.1045, 51.5303], [-0.105, 51.5303], [-0.105, 51.53]]]
ITEMS = "/api/collections/community-centres/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture
def editor(database):
    with database.session("tests", as_owner=True) as session:
        put_program(session, "ada", "Ada", may_edit=True)
        token = issue_token(session, "ada", "tests")
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def made(client, editor):
    response = client.post(ITEMS, json=PLACE, headers=editor)
    assert response.status_code == 201, response.text
    return response


def put(client, editor, url, etag, feature, **more):
    return client.put(url, json=feature, headers={**editor, "If-Match": etag, **more})


def test_create_gives_the_place_an_address_and_everything_follows(client, made):
    url = made.headers["Location"]
    assert f"{ITEMS}/st-examples-hall-test" in url
    feature = client.get(url).get_json()
    assert feature["properties"]["ward_2022"] == "Clerkenwell"
    assert feature["properties"]["locality"] == "South"
    assert feature["properties"]["verified"] is False
    assert feature["geometry"]["coordinates"] == pytest.approx([-0.1045, 51.5265], abs=2e-7)


def test_both_media_types_are_taken(client, editor):
    import orjson

    for kind in ("application/json", "application/geo+json"):
        response = client.post(ITEMS, data=orjson.dumps(PLACE), headers={**editor, "Content-Type": kind})
        assert response.status_code == 201


def test_history_knows_who(client, made, database):
    with database.session("x") as session:
        actors = session.execute(
            text("SELECT actor FROM history.changes WHERE table_name = 'assets' AND operation = 'created'"
                 " ORDER BY id DESC LIMIT 1")
        ).scalar_one()  # fmt: skip
    assert actors == "Ada"


def test_replace_update_delete_with_the_tag_of_the_feature(client, editor, made):
    url = made.headers["Location"]
    etag = client.get(url).headers["ETag"]
    changed = {**PLACE, "properties": {**PLACE["properties"], "name": "Renamed", "note": "new"}}
    response = put(client, editor, url, etag, changed)
    assert response.status_code == 204
    assert client.get(url).get_json()["properties"]["name"] == "Renamed"
    etag = response.headers["ETag"]
    response = client.patch(url, json={"properties": {"note": None}}, headers={**editor, "If-Match": etag})
    assert response.status_code == 204
    properties = client.get(url).get_json()["properties"]
    assert (properties["name"], properties["note"]) == ("Renamed", None)
    assert client.delete(url, headers={**editor, "If-Match": etag}).status_code == 412
    etag = client.get(url).headers["ETag"]
    assert client.delete(url, headers={**editor, "If-Match": etag}).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("hours", ["whenever", "Mo 25:61-26:00", "SH 10:00-12:00", "Mo 09:00-09:00", ""])
def test_hours_that_nobody_could_evaluate_are_refused_with_the_reason(client, editor, made, hours):
    url = made.headers["Location"]
    headers = {**editor, "If-Match": client.get(url).headers["ETag"]}
    response = client.patch(url, json={"properties": {"opening_hours": hours}}, headers=headers)
    assert response.status_code == 422
    (mistake,) = response.get_json()["errors"]
    assert mistake["parameter"] == "properties.opening_hours"
    kept = "Mo-Fr 09:00-17:00; PH off"
    changed = client.patch(url, json={"properties": {"opening_hours": kept}}, headers=headers)
    assert changed.status_code == 204
    assert client.get(url).get_json()["properties"]["opening_hours"] == kept


def test_a_fetched_feature_can_be_sent_back_as_it_is(client, editor, made):
    url = made.headers["Location"]
    fetched = client.get(url)
    assert put(client, editor, url, fetched.headers["ETag"], fetched.get_json()).status_code == 204
    again = client.get(url)
    assert again.headers["ETag"] == fetched.headers["ETag"], "what changes nothing makes no new version"


def test_what_an_entrance_says_does_not_become_the_word_of_the_place(client, editor, made, database):
    url = made.headers["Location"]
    place = {"id": url.rpartition("/")[2]}
    own = text("SELECT step_free FROM register.assets WHERE id = :id")
    door = text(
        "INSERT INTO register.entrances (id, asset_key, geom, step_free, source_id)"
        " SELECT 'hall-door', key, geom, 'yes', source_id FROM register.assets WHERE id = :id"
    )
    with database.session("tests") as session:
        session.execute(door, place)
    fetched = client.get(url)
    feature, etag = fetched.get_json(), fetched.headers["ETag"]
    assert feature["properties"]["step_free"] == "yes"
    assert feature["properties"]["step_free_source"]
    for sent in (feature, {**feature, "properties": {**feature["properties"], "note": "looked at"}}):
        etag = put(client, editor, url, etag, sent).headers["ETag"]
        with database.session("tests") as session:
            assert session.execute(own, place).scalar_one() == "unknown"
    headers = {**editor, "If-Match": etag}
    said = client.patch(url, json={"properties": {"step_free": "yes"}}, headers=headers)
    assert said.status_code == 204
    properties = client.get(url).get_json()["properties"]
    assert (properties["step_free"], properties["step_free_source"]) == ("yes", None)
    no = {**feature, "properties": {**feature["properties"], "step_free": "no"}}
    assert put(client, editor, url, said.headers["ETag"], no).status_code == 204
    assert client.get(url).get_json()["properties"]["step_free"] == "no"


def test_what_a_space_without_a_name_is_called_does_not_become_its_name(client, editor, database):
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": SQUARE},
        "properties": {"name": "Nameless corner", "type": "other"},
    }
    url = client.post("/api/collections/green-spaces/items", json=feature, headers=editor).headers["Location"]
    space = {"id": url.rpartition("/")[2]}
    with database.session("tests") as session:
        session.execute(text("UPDATE register.green_spaces SET name = NULL WHERE id = :id"), space)
    fetched = client.get(url)
    assert fetched.get_json()["properties"]["name"] == "Unnamed green space"
    assert put(client, editor, url, fetched.headers["ETag"], fetched.get_json()).status_code == 204
    with database.session("tests") as session:
        own = text("SELECT name FROM register.green_spaces WHERE id = :id")
        assert session.execute(own, space).scalar_one() is None


def test_an_emptied_property_takes_its_default_again(client, editor, made):
    url, etag = made.headers["Location"], made.headers["ETag"]
    for value, now in (("no", "no"), (None, "unknown")):
        change = {"properties": {"step_free": value, "support": ["food"] if value else None}}
        response = client.patch(url, json=change, headers={**editor, "If-Match": etag})
        assert response.status_code == 204, response.text
        etag = response.headers["ETag"]
        properties = client.get(url).get_json()["properties"]
        assert (properties["step_free"], properties["support"]) == (now, ["food"] if value else [])


def test_a_stale_tag_is_refused_and_a_missing_one_asked_for(client, editor, made):
    url = made.headers["Location"]
    stale = client.get(url).headers["ETag"]
    first = {**PLACE, "properties": {**PLACE["properties"], "note": "first"}}
    second = {**PLACE, "properties": {**PLACE["properties"], "note": "second"}}
    assert put(client, editor, url, stale, first).status_code == 204
    response = put(client, editor, url, stale, second)
    assert response.status_code == 412
    assert response.content_type == "application/problem+json"
    assert client.put(url, json=second, headers=editor).status_code == 428
    any_version = put(client, editor, url, "*", second)
    assert (any_version.status_code, "names no version" in any_version.get_json()["detail"]) == (428, True)
    assert put(client, editor, f"{ITEMS}/nowhere", "*", second).status_code == 404
    assert client.put(f"{ITEMS}/nowhere", json=second, headers=editor).status_code == 404
    assert client.delete(f"{ITEMS}/nowhere", headers=editor).status_code == 404
    assert client.get(url).get_json()["properties"]["note"] == "first"


def test_a_change_of_another_place_does_not_stand_against_mine(client, editor, made):
    url = made.headers["Location"]
    etag = client.get(url).headers["ETag"]
    assert client.post(ITEMS, json={**PLACE, "id": "another"}, headers=editor).status_code == 201
    assert put(client, editor, url, etag, PLACE).status_code == 204


def test_of_many_at_once_exactly_one_wins(app, editor, made):
    url = made.headers["Location"]
    etag = app.test_client().get(url).headers["ETag"]
    statuses = []
    barrier = threading.Barrier(4)

    def change(number):
        feature = {**PLACE, "properties": {**PLACE["properties"], "note": f"by {number}"}}
        barrier.wait()
        statuses.append(put(app.test_client(), editor, url, etag, feature).status_code)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 412, 412, 412]


def test_green_spaces_take_outlines_in_any_crs(client, editor):
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": SQUARE},
        "properties": {"name": "Test corner", "type": "other", "current_use": "verge", "demonstration": True},
    }
    url = client.post("/api/collections/potential-green-spaces/items", json=feature, headers=editor).headers[
        "Location"
    ]
    created = client.get(url).get_json()
    assert created["properties"]["stage"] == "suggested"
    assert created["properties"]["area_ha"] == pytest.approx(0.115, abs=0.01)
    metres = client.get(f"{url}?crs={EPSG}27700").get_json()["geometry"]
    etag = client.get(url).headers["ETag"]
    response = put(
        client, editor, url, etag, {**feature, "geometry": metres}, **{"Content-Crs": f"<{EPSG}27700>"}
    )
    assert response.status_code == 204, response.text
    assert client.get(f"{url}?crs={EPSG}27700").get_json()["geometry"] == metres


@pytest.mark.parametrize(
    "feature, parameter",
    [
        ({**PLACE, "properties": {"categories": ["library"]}}, "properties.name"),
        ({**PLACE, "properties": {"name": "x", "categories": ["pub"]}}, "properties.categories"),
        ({**PLACE, "properties": {**PLACE["properties"], "nme": "y"}}, "properties.nme"),
        ({**PLACE, "properties": {**PLACE["properties"], "verified": "yes"}}, "properties.verified"),
        ({**PLACE, "properties": {**PLACE["properties"], "support": ["luck"]}}, "properties.support"),
        (
            {**PLACE, "properties": {**PLACE["properties"], "confirmed_on": "2024-02-31"}},
            "properties.confirmed_on",
        ),
        ({**PLACE, "properties": {**PLACE["properties"], "note": "a\0b"}}, "properties.note"),
        ({**PLACE, "properties": {"name": "x", "categories": ["library"]}}, "properties"),
        ({**PLACE, "properties": []}, "properties"),
        ({**PLACE, "id": "Not A Slug"}, "id"),
        ({**PLACE, "geometry": {"type": "Point", "coordinates": [0, 0]}}, "geometry"),
        ({**PLACE, "geometry": {"type": "Point", "coordinates": ["x", 0]}}, "geometry"),
        ({**PLACE, "geometry": {"type": "Point", "coordinates": []}}, "geometry"),
        ({**PLACE, "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, "geometry"),
        ({**PLACE, "geometry": 5}, "geometry"),
        ({**PLACE, "type": "FeatureCollection"}, "type"),
        ([], "body"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_written(client, editor, feature, parameter):
    before = client.get(ITEMS).get_json()["numberMatched"]
    response = client.post(ITEMS, json=feature, headers=editor)
    assert response.status_code in (400, 422), response.text
    assert response.content_type == "application/problem+json"
    assert parameter in [error["parameter"] for error in response.get_json()["errors"]]
    assert client.get(ITEMS).get_json()["numberMatched"] == before


def test_an_outline_that_crosses_itself_is_refused(client, editor):
    bow = [[[-0.105, 51.53], [-0.1045, 51.5303], [-0.1045, 51.53], [-0.105, 51.5303], [-0.105, 51.53]]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": bow},
        "properties": {"name": "Bow", "type": "other"},
    }
    response = client.post("/api/collections/green-spaces/items", json=feature, headers=editor)
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["parameter"] == "geometry"


@pytest.mark.parametrize(
    "body, kind, status",
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415), (b"\xff\xfe", "application/geo+json", 400),
     (b"[" * 100_000, "application/json", 400), (b" " * 10_000_000, "application/json", 413)],
)  # fmt: skip
def test_a_body_that_is_no_feature_is_refused(client, editor, body, kind, status):
    response = client.post(ITEMS, data=body, headers={**editor, "Content-Type": kind})
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_a_body_without_a_media_type_is_refused_before_it_is_read(client, editor, made):
    assert client.post(ITEMS, data=b"{}", headers=editor).status_code == 400
    headers = {**editor, "If-Match": client.get(made.headers["Location"]).headers["ETag"]}
    assert client.put(made.headers["Location"], data=b"{}", headers=headers).status_code == 400


def test_options_tell_the_methods_and_what_they_take(client, made):
    """Part 4: insert/options, replace/options, delete/options and update/options."""
    several = client.options(ITEMS)
    assert several.status_code == 200
    assert {"POST", "GET"} <= set(several.headers["Allow"].split(", "))
    assert several.headers["Accept-Post"] == "application/geo+json, application/json"
    one = client.options(made.headers["Location"])
    assert {"PUT", "PATCH", "DELETE"} <= set(one.headers["Allow"].split(", "))
    assert "application/merge-patch+json" in one.headers["Accept-Patch"].split(", ")
    closed = client.options("/api/collections/wards-2022/items")
    assert closed.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "Accept-Post" not in closed.headers


def test_only_accounts_that_may_edit_can(client, database, made):
    url = made.headers["Location"]
    with database.session("tests", as_owner=True) as session:
        put_program(session, "bo", "Bo", may_edit=False)
        looker = {"Authorization": f"Bearer {issue_token(session, 'bo', 'look')}"}
        put_program(session, "cy", "Cy", may_edit=True)
        revoked = {"Authorization": f"Bearer {issue_token(session, 'cy', 'gone')}"}
        revoke_token(session, list_tokens(session)[0].id)
    for headers, status in [
        ({}, 401),
        (looker, 403),
        (revoked, 401),
        ({"Authorization": "Bearer ms_x"}, 401),
    ]:
        for response in (
            client.post(ITEMS, json=PLACE, headers=headers),
            client.put(url, json=PLACE, headers={**headers, "If-Match": '"1"'}),
            client.patch(url, json={}, headers={**headers, "If-Match": '"1"'}),
            client.delete(url, headers={**headers, "If-Match": '"1"'}),
        ):
            assert response.status_code == status
            assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert client.get(url).status_code == 200


def test_layers_that_are_derived_cannot_be_changed(client, editor):
    response = client.post("/api/collections/wards-2022/items", json=PLACE, headers=editor)
    assert response.status_code == 405


def test_tokens_are_not_kept_in_plain(database, editor):
    token = editor["Authorization"].removeprefix("Bearer ")
    with database.owner.connect() as connection:
        dump = str(connection.execute(text("SELECT * FROM accounts.tokens")).all())
    assert token not in dump
    with database.reading() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("SELECT * FROM accounts.tokens")


def test_what_one_may_not_see_one_may_not_change(client, editor, made, database):
    url = made.headers["Location"]
    etag = client.get(url).headers["ETag"]
    with database.session("tests") as session:
        session.execute(
            text("UPDATE register.assets SET visibility = 'council' WHERE id = :id"),
            {"id": url.rsplit("/", 1)[1]},
        )
    assert put(client, editor, url, etag, PLACE).status_code == 404
    with database.session("tests", as_owner=True) as session:
        put_program(session, "di", "Di", may_edit=True, sees=("public", "network", "council"))
        insider = {"Authorization": f"Bearer {issue_token(session, 'di', 'tests')}"}
    assert client.get(url).status_code == 404
    seen = client.get(url, headers=insider)
    assert seen.status_code == 200
    assert put(client, insider, url, seen.headers["ETag"], PLACE).status_code == 204
