"""What waited on a telephone: taken once, and under the account it was written with, whoever is there now."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mapservice.layers.visibility import LEVELS
from mapservice.survey import outlines
from tests.web.survey.test_suggesting import FORM, SPOT, rows, submissions

PARK = "/green-spaces/highbury-fields"
TOKEN = "/green-spaces/suggest/token"


@pytest.fixture
def send(browse):
    """Send as a script does, under whatever the browser has; gives the answer."""

    def run(browser, address, **given):
        given = {"csrf_token": browser.get(TOKEN).json["csrf_token"], "id": str(uuid.uuid4()), **given}
        headers = {"Accept": "application/json"}
        return browser.client.post(
            address, data=given, headers=headers, environ_base={"REMOTE_ADDR": browser.address}
        )

    return run


def test_it_goes_under_the_account_it_was_written_with_or_not_at_all(app, browse, signed_in, everybody, send):
    ada, nobody, other = everybody["contributor"], browse(), signed_in("surveyor")
    assert nobody.get(TOKEN).json["who"] == {"id": "", "name": ""}
    assert signed_in("contributor").get(TOKEN).json["who"] == {"id": ada, "name": "a resident"}
    for somebody_else in (nobody, other):
        refused = send(somebody_else, FORM, **{"as": ada}, name="Under Ada", place=SPOT)
        assert refused.status_code == 409
        assert send(somebody_else, f"{PARK}/confirm", **{"as": ada}, access="open-to-all").status_code == 409
    assert submissions(app, "Under Ada") == []
    assert (
        send(signed_in("contributor"), FORM, **{"as": ada}, name="Under Ada", place=SPOT).status_code == 201
    )
    assert [row.account_id for row in submissions(app, "Under Ada")] == [ada]
    # What was written without an account stays so, also where somebody has signed in since.
    send(other, FORM, **{"as": "nobody"}, name="Under nobody", place=SPOT)
    assert [row.account_id for row in submissions(app, "Under nobody")] == [None]


def test_a_report_and_a_confirmation_sent_twice_are_taken_once_with_one_answer(app, browse, send):
    browser = browse()
    for address, given in (
        (f"{PARK}/report", {"changed": "closed", "note": "Twice"}),
        (f"{PARK}/confirm", {"access": "open-to-all", "seen": "open-to-all"}),
    ):
        given["id"] = str(uuid.uuid4())
        first, second = (send(browser, address, **given) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 200)
        assert {**first.json, "new": False} == second.json
        assert browser.get(second.json["address"]).status_code == 200
        found = rows(app, "SELECT count(*) FROM survey.submissions WHERE id = :id", id=given["id"])
        assert found == [(1,)]


def test_a_confirmation_counts_for_the_day_it_was_written(app, signed_in, everybody, send):
    space_id = rows(app, "SELECT id FROM register.green_spaces WHERE access = 'open-to-all' AND"
                         " status = 'existing' ORDER BY id LIMIT 1")[0][0]  # fmt: skip
    with app.extensions["database"].session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET confirmed_on = NULL WHERE id = :id"), {"id": space_id}
        )
    written = datetime.now(UTC) - timedelta(days=3)
    given = {"access": "open-to-all", "seen": "open-to-all", "id": str(uuid.uuid4())}
    given |= {"as": everybody["administrator"], "written_at": written.isoformat()}
    answer = send(signed_in("administrator"), f"/green-spaces/{space_id}/confirm", **given)
    assert answer.json["onwards"].endswith(f"?confirmed={given['id']}")
    confirmed = "SELECT confirmed_on FROM register.green_spaces WHERE id = :id"
    assert rows(app, confirmed, id=space_id) == [(written.date(),)]
    # Sent again after somebody has closed it: the answer was lost, and what was said then stands.
    with app.extensions["database"].session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET access = 'no-access' WHERE id = :id"), {"id": space_id}
        )
    assert send(signed_in("administrator"), f"/green-spaces/{space_id}/confirm", **given).status_code == 200
    # Who did not see that it is closed does not open it; a reviewer decides.
    blind = {**given, "id": str(uuid.uuid4()), "seen": ""}
    answer = send(signed_in("administrator"), f"/green-spaces/{space_id}/confirm", **blind)
    assert "suggestions" in answer.json["onwards"]
    assert rows(app, "SELECT access FROM register.green_spaces WHERE id = :id", id=space_id) == [
        ("no-access",)
    ]


def test_a_report_on_what_became_part_of_another_is_kept_with_that_and_on_nothing_given_back(
    app, browse, suggest, send
):
    gone, whole = suggest(), suggest(visibility="public")
    with app.extensions["database"].session("tests") as session:
        session.execute(text("DELETE FROM register.green_spaces WHERE id = :id"), {"id": gone})
        session.execute(
            text("INSERT INTO survey.merges (merged_id, into_id) VALUES (:gone, :whole)"),
            {"gone": gone, "whole": whole},
        )
    given = {"id": str(uuid.uuid4()), "note": "It is locked"}
    assert send(browse(), f"/green-spaces/{gone}/report", **given).status_code == 201
    about = rows(app, "SELECT green_space_id FROM survey.submissions WHERE id = :id", id=given["id"])
    assert about == [(whole,)]
    for address in ("report", "confirm"):
        answer = send(browse(), f"/green-spaces/no-such-space/{address}", note="Lost", access="open-to-all")
        assert answer.status_code == 404
        assert "no longer on the map" in answer.json["mistakes"][0]["reason"]
    # Without a script the page itself has it, to be copied.
    browser = browse()
    lost = {"note": "Lost words", "csrf_token": browser.get(TOKEN).json["csrf_token"]}
    page = browser.client.post("/green-spaces/no-such-space/report", data=lost)
    assert page.status_code == 404
    assert "Lost words" in page.text


def square(x, y, size=0.0004):
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def test_what_overlaps_with_a_known_space_is_asked_about_with_all_that_was_written(
    app, browse, signed_in, send
):
    browser = browse()
    given = {"name": "Within the Fields", "geometry": square(-0.1002, 51.5518), "opportunity": "Kept words"}
    given["id"] = str(uuid.uuid4())
    answer = browser.post(FORM, **given)
    assert answer.status_code == 400
    for part in ('href="/green-spaces/highbury-fields"', "100 %", "send it anyway", "Kept words"):
        assert part in answer.text
    assert 'href="#different"' in answer.text
    assert 'href="/green-spaces/"' not in answer.text
    assert submissions(app, given["name"]) == []
    # The tick stays where something else is wrong.
    again = browser.post(FORM, **{**given, "name": ""}, different="yes")
    assert 'value="yes" checked' in again.text
    assert browser.post(FORM, **given, different="yes").status_code == 303
    # From where it waited it is taken without the question, and the reviewer sees it.
    waited = {**given, "id": str(uuid.uuid4()), "name": "Waited in the Fields"}
    assert send(browse(), FORM, **waited).status_code == 400
    assert send(browse(), FORM, **waited, waited="yes").status_code == 201
    page = signed_in("administrator").get("/review/waited-in-the-fields").text
    assert "100 % of it is part of" in page
    assert 'href="/review/highbury-fields"' in page
    assert 'href="/review/within-the-fields"' in page


def test_a_space_overlaps_with_others_and_never_with_itself(app, suggest):
    with app.extensions["database"].session("tests") as session:
        one = suggest(at=(531_000, 184_000), size=200)
        assert one not in {each.id for each in outlines.overlaps_of(session, one, LEVELS)}
        assert outlines.overlaps_of(session, "no-such-space", LEVELS) == ()
