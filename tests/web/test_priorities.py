"""The pages about access to green space: what they say, what they admit, and what they refuse to choke on."""

import csv
import io
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from mapservice.web import priorities

FIRST = "/green-spaces/first"


@pytest.fixture
def without_people(make_database, settings, front_end):
    """A client of the service where nobody has loaded who lives where."""
    from mapservice import create_app

    with make_database() as database:
        with database.session("tester", as_owner=True) as session:
            session.execute(text("DELETE FROM register.small_areas"))
        yield create_app(settings, database).test_client()


def table(text):
    return re.findall(r'href="/green-spaces/(demonstration-space-[a-z0-9]+)"', text)


def test_the_weighting_and_the_method_are_printed_on_the_result(client):
    page = client.get(f"{FIRST}?residents=3&deprivation=1&cost=0&ownership=0&method=boundary").text
    assert "residents who gain 75%, deprivation where they live 25%, cost known 0%, public owner 0%" in page
    assert "a straight line from the edge of the space" in page
    assert "1.23 times" not in page[page.index("Weighting") : page.index("Who gains")]


def test_demonstration_spaces_are_marked_everywhere(client):
    page = client.get(FIRST).text
    assert "Every space in this list is an example made up" in page
    assert page.count("Demonstration, not a real place") == len(table(page)) == 8
    assert "demonstration-space-s3" not in page, "a declined space is no candidate"
    assert "This space is made up." in client.get("/green-spaces/demonstration-space-c2").text


def test_what_is_missing_is_said(client, without_people):
    page = client.get(FIRST).text
    assert "No network of streets and paths is loaded" in page
    assert "Entrances are known for 0 of" in page
    for address in (FIRST, "/green-spaces/access"):
        answer = without_people.get(address)
        assert answer.status_code == 200
        assert "We do not know yet how many people live where" in answer.text
        assert "mapservice import population" in answer.text
        assert "<table" not in answer.text
    assert (
        "What opening this would change"
        not in without_people.get("/green-spaces/demonstration-space-c2").text
    )
    assert without_people.get(f"{FIRST}.csv").status_code == 200
    assert without_people.get(f"{FIRST}.gpkg").status_code == 200


def test_weights_change_the_order_and_the_link_brings_it_back(client):
    first = client.get(f"{FIRST}?residents=10&deprivation=0&cost=0&ownership=0").text
    other = client.get(f"{FIRST}?residents=0&deprivation=10&cost=0&ownership=0").text
    assert sorted(table(first)) == sorted(table(other))
    assert table(first) != table(other)
    link = re.search(r'href="(/green-spaces/first\?[^"]+)">link to this', other)[1].replace("&amp;", "&")
    assert table(client.get(link).text) == table(other)


@pytest.mark.parametrize(
    "query",
    ["residents=-1", "residents=99999", "residents=x", "residents=%C2%B2", "method=fly", "locality=nowhere",
     "residents=0&deprivation=0&cost=0&ownership=0", "size='--", "residents=", "locality=%00"],
)  # fmt: skip
def test_what_cannot_be_used_is_put_right_and_never_an_error(client, query):
    for ending in ("", ".csv"):
        assert client.get(f"{FIRST}{ending}?{query}").status_code == 200


def test_the_csv_is_the_table_with_how_it_was_made_on_every_row(client):
    query = "residents=1&deprivation=0&cost=0&ownership=0&method=estimate"
    answer = client.get(f"{FIRST}.csv?{query}")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == table(client.get(f"{FIRST}?{query}").text)
    assert {row["weighting"] for row in rows} == {
        "residents who gain 100%, deprivation where they live 0%, cost known 0%, public owner 0%"
    }
    assert all(row["demonstration"] == "True" for row in rows)
    assert int(rows[0]["gain"]) >= int(rows[-1]["gain"])


def test_no_cell_of_the_csv_is_a_formula(app, client, database):
    with database.session("tester") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET name = '=HYPERLINK(1)' WHERE id = 'demonstration-space-c2'"
            )
        )
    assert "'=HYPERLINK(1)" in client.get(f"{FIRST}.csv").text
    assert ",=HYPERLINK" not in client.get(f"{FIRST}.csv").text


def test_the_geopackage_has_outlines_and_says_how_it_was_made(client, tmp_path):
    import pyogrio

    path = tmp_path / "which-first.gpkg"
    path.write_bytes(client.get(f"{FIRST}.gpkg?locality=South").data)
    frame = pyogrio.read_dataframe(path)
    assert set(frame.id) == {"demonstration-space-s1", "demonstration-space-s2"}
    assert frame.crs.to_epsg() == 27700
    assert (frame.geometry.area > 1000).all()
    assert "weighting" in pyogrio.read_info(path, layer="which-first")["layer_metadata"]


def test_a_potential_space_s_page_says_what_opening_it_would_change(client):
    page = client.get("/green-spaces/demonstration-space-c2").text
    assert re.search(r"[\d,]+ residents would gain", page)
    assert re.search(r"place \d of 8", page)
    assert f'href="{FIRST}?' in page
    # It says what it is, and asks nobody to ring for services that none can give there yet.
    assert "Could become a green space: " in page
    assert "which services are given here" not in page
    assert "which services are given here" in client.get("/green-spaces/highbury-fields").text
    assert "What opening this would change" not in client.get("/green-spaces/highbury-fields").text
    assert "What opening this would change" not in client.get("/green-spaces/demonstration-space-s3").text


def test_access_is_told_by_locality_and_by_ward_of_either_vintage(client):
    page = client.get("/green-spaces/access").text
    assert re.findall(r"<caption[^>]*>([^<]+)<", page) == [
        "Localities", "Wards of 2002 to 2022", "Wards since 2022",
    ]  # fmt: skip
    assert page.count("216,656") == 3
    rows = list(csv.DictReader(io.StringIO(client.get("/green-spaces/access.csv").data.decode("utf-8-sig"))))
    assert len(rows) == 1 + 3 + 16 + 17 + 126


def test_the_list_of_green_spaces_leads_there(client):
    assert f'href="{FIRST}"' in client.get("/green-spaces").text


def test_access_is_fresh_the_moment_a_park_closes(client, database):
    before = client.get("/green-spaces/access.csv").data
    assert client.get("/green-spaces/access.csv").data == before
    with database.session("tester") as session:
        session.execute(
            text("UPDATE register.green_spaces SET access = 'no-access' WHERE id = 'barnard-park'")
        )
    assert client.get("/green-spaces/access.csv").data != before


def test_what_many_ask_at_once_is_worked_out_once_and_only_so_much_is_kept(app, monkeypatch):
    monkeypatch.setattr(priorities, "read_edition", lambda cursor: 1)
    monkeypatch.setattr(priorities, "MOST_KEPT", 2)
    app.extensions.pop("priorities", None)
    worked = []

    def ask(number):
        def work_out():
            worked.append(number)
            time.sleep(0.02)
            return [number]

        with app.test_request_context("/"):
            return priorities._kept(None, (number,), work_out)

    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(ask, [1] * 8)] == [[1]] * 8
        assert worked == [1]
        numbers = [*range(20)] * 5
        assert [*threads.map(ask, numbers)] == [[number] for number in numbers]
    assert len(app.extensions["priorities"]._kept) == 2
    app.extensions.pop("priorities")
