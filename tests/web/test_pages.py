"""The pages as a person without JavaScript gets them."""

import re

import psycopg
import pytest

LAST_RESORT = "020 7527 2000"
STATES = {
    "/": 200,
    "/find": 200,
    "/find?postcode=": 400,
    "/find?postcode=zz": 400,
    "/find?postcode=ZZ9+9ZZ": 404,
    "/find?postcode=N1+9JP": 200,
    "/find?postcode=N19+5PH&need=money": 200,
    "/find?postcode=EC2V+7HH": 200,
    "/find?postcode=n19jp&need=nonsense": 200,
    "/find?lon=-0.11&lat=51.55": 200,
    "/find?lon=nan&lat=51.55": 400,
    "/find?lon=200&lat=51.55": 400,
    "/find?lon=-0.11": 400,
    "/find?postcode=%00%3Cscript%3E": 404,
    "/find?postcode=x": 400,
    "/find?postcode=upper+street": 200,
    "/find?postcode=no+such+street": 404,
    "/find?near=assets/n4-library&need=money": 200,
    "/find?near=assets/no-such-place": 404,
    "/find?locality=central&need=work": 200,
    "/find?locality=nowhere": 404,
    "/find?postcode=N19+5PH&need=family&open=1&step_free=1&language=Somali&outdoors=1": 200,
    "/assets": 200,
    "/assets?layer=libraries&locality=South": 200,
    "/assets?layer=nonsense&locality=nowhere": 200,
    "/assets?after=nonsense": 400,
    "/assets/finsbury-library": 200,
    "/no-wrong-door": 200,
    "/assets/no-such-place": 404,
    "/assets/%00": 404,
    "/green-spaces": 200,
    "/green-spaces?layer=potential-green-spaces": 200,
    "/green-spaces/highbury-fields": 200,
    "/green-spaces/finsbury-library": 404,
    "/map": 200,
    "/map/full-000000000000.js": 404,
    "/data": 200,
    "/nothing": 404,
}


@pytest.mark.parametrize("page", STATES)
def test_every_state_has_a_way_forward_and_the_telephone(client, page):
    answer = client.get(page)
    assert answer.status_code == STATES[page]
    assert f'href="tel:{LAST_RESORT.replace(" ", "")}"' in answer.text
    assert 'href="/find"' in answer.text
    assert len(re.findall(r"<h1\b", answer.text)) == 1
    assert "<script>alert" not in answer.text
    assert "no results" not in answer.text.lower()
    assert len(answer.data) < 100_000


def test_the_hub_of_the_locality_comes_first(client):
    text = client.get("/find?postcode=N1+9JP").text
    assert text.index("Start here") < text.index("Finsbury Library") < text.index("Other places close by")


def test_the_telephone_comes_before_everything_else(client):
    for page in ("/", "/find", "/find?postcode=N1+9JP", "/find?postcode=ZZ9+9ZZ"):
        text = client.get(page).text
        main = text[text.index("<main") :]
        first = re.search(r"<form|<h2 class=\"govuk-heading", main).start()
        assert main.index('href="tel:999"') < main.index(LAST_RESORT) < first


def test_nobody_is_sent_to_a_closed_door(client):
    central = client.get("/find?postcode=N1+2UN&need=money").text
    assert central.index("Start here: ring first") < central.index("Do not go there without ringing")
    assert central.index("Ring first") < central.index("Closed for general inquiries; emergencies only.")
    south = client.get("/find?postcode=N1+9JP&need=money").text
    assert south.index("Lewis Carroll") < south.index("222 Upper Street")
    place = client.get("/assets/222-upper-street").text
    assert place.index("Ring first") < place.index("Closed for general inquiries") < place.index("Address")


def test_what_is_named_above_is_not_named_again_below(client):
    text = client.get("/find?postcode=N1+9JP&need=food").text
    for place in ("finsbury-library", "222-upper-street"):
        assert text.count(f'href="/assets/{place}"') == 1


def test_other_kinds_are_folded_away_with_the_nearest_of_each_said(client):
    text = client.get("/find?postcode=N1+9JP&need=food").text
    folds = re.findall(r'<details class="app-kind">.*?</details>', text, re.DOTALL)
    assert len(folds) >= 4
    assert all(re.search(r"<summary.*?, [\d.]+ (metres|km).*?</summary>", fold, re.DOTALL) for fold in folds)
    assert "<details open" not in text


def test_a_hub_without_a_place_is_said_so_with_what_to_do(client):
    text = client.get("/find?postcode=N19+5PH").text
    assert "Its address is still to be confirmed. Until then ring" in text


def test_outside_the_borough_says_so_and_still_helps(client):
    text = client.get("/find?postcode=EC2V+7HH").text
    assert "This is outside" in text
    assert text.count('class="app-place"') >= 5


def test_a_resident_is_told_todays_ward_and_a_planner_those_of_each_vintage(client):
    text = client.get("/find?postcode=N1+9JP").text
    assert "This is in Caledonian ward," in text
    assert "boundaries of" not in text
    wards = client.get("/api/lookup?postcode=N1+9JP").get_json()["wards"]
    assert (wards["2002"]["name"], wards["2022"]["name"]) == ("Barnsbury", "Caledonian")


def test_what_was_typed_is_not_lost_and_not_markup(client):
    text = client.get('/find?postcode="><img src=x>').text
    assert "<img" not in text
    assert "&lt;img" in text or "&#34;&gt;" in text


def test_unknown_hours_are_never_shown_as_open_or_closed(client):
    assert "Not known: call first" in client.get("/assets/vernon-hall").text


def test_demonstration_data_is_marked_wherever_it_shows(client):
    assert "Demonstration" in client.get("/green-spaces?layer=potential-green-spaces").text
    assert "made up" in client.get("/green-spaces/demonstration-space-c1").text


def test_the_map_page_links_to_the_same_content_as_lists(client):
    text = client.get("/map").text
    for address in ("/assets?layer=libraries", "/green-spaces?layer=green-spaces"):
        assert f'href="{address}"' in text


def test_a_new_layer_is_on_the_map_page_and_the_data_page(app, client, monkeypatch):
    catalogue = app.extensions["catalogue"]
    libraries = catalogue.get("libraries")
    other = type(libraries)(
        **{name: getattr(libraries, name) for name in libraries.__slots__}
        | {"id": "more", "title": "More of it"}
    )
    monkeypatch.setitem(app.extensions, "catalogue", catalogue.with_layer(other))
    monkeypatch.setitem(app.extensions, "maps", {})
    page = client.get("/map").text
    assert 'data-layer="more"' in page
    script = re.search(r'src="(/map/full-[^"]+)"', page)
    assert "/api/collections/more/items" in client.get(script[1]).text
    assert "More of it" in client.get("/data").text


def test_names_are_found_by_any_part_and_only_once(client):
    found = client.get("/map/names?q=finsbury lib").get_json()["places"]
    assert [place["name"] for place in found] == ["Finsbury Library"]
    assert found[0]["kind"]
    assert client.get("/map/names?q=100%25").get_json()["places"] == []
    assert client.get("/map/names?q=x").status_code == 400


def test_when_the_database_is_away_the_telephone_still_shows(app, client, monkeypatch):
    class Away:
        def reading(self):
            raise psycopg.OperationalError("connection refused")

    monkeypatch.setitem(app.extensions, "database", Away())
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client.get("/assets/finsbury-library")
    assert answer.status_code == 503
    assert LAST_RESORT in answer.text
    assert "connection refused" not in answer.text
