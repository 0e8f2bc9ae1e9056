"""The public page of the survey's progress: honest while it is empty, and without names."""

import csv
import io

from sqlalchemy import text

PAGE = "/green-spaces/progress"


def test_while_nothing_happened_the_page_says_so(client):
    page = client.get(PAGE).text
    assert "9 made-up examples on the map are left out here." in page
    assert "has been confirmed by anybody who went there yet" in page
    assert "Nobody has suggested a space yet." in page
    assert "Nothing has been sent in or decided in this time." in page
    for title in ("Localities", "Wards of 2002 to 2022", "Wards since 2022"):
        assert title in page


def test_what_happened_is_counted_and_nobody_is_named(client, database, everybody):
    with database.session(everybody["contributor"]) as session:
        session.execute(
            text(
                "INSERT INTO register.green_spaces"
                " (id, name, type, status, stage, access, visibility, position, source_id, verified, geom)"
                " VALUES ('a-secret-corner', 'A secret corner', 'unknown', 'potential', 'plan', 'unknown',"
                " 'network', 'outline', 'green-space-survey', false,"
                " ST_Multi(ST_MakeEnvelope(531500, 182600, 531550, 182650, 27700)))"
            )
        )
        session.execute(
            text(
                "INSERT INTO survey.submissions (id, kind, green_space_key, green_space_id, account_id,"
                " written_at, fields) SELECT gen_random_uuid(), 'space', key, id, :account, now(),"
                """ '{"name": "A secret corner"}' FROM register.green_spaces WHERE id = 'a-secret-corner'"""
            ),
            {"account": everybody["contributor"]},
        )
    page = client.get(PAGE).text
    assert "Potential green spaces by stage" in page
    assert "What happened in each of the last twelve months" in page
    assert "secret" not in page
    assert "Ada" not in page
    answer = client.get(f"{PAGE}.csv")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))}
    assert rows["south"]["plan"] == "1"
    assert rows["north"]["plan"] == "0"
    assert len(rows) >= 1 + 3 + 16
    assert "secret" not in answer.text


def test_the_start_page_and_the_list_of_green_spaces_lead_there(client):
    assert f'href="{PAGE}"' in client.get("/green-spaces").text
    assert f'href="{PAGE}"' in client.get("/").text
