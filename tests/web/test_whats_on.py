"""Pages and calendars of what happens where."""

import pytest
from icalendar import Calendar
from sqlalchemy import text

ADVICE = """
INSERT INTO register.services (id, organisation_id, name, kind, source_id, verified)
VALUES ('advice', 'islington-council', 'Advice <here>', 'activity', 'direct-entry', true);
INSERT INTO register.service_at_locations (id, service_id, asset_key, source_id)
SELECT 'advice-at', 'advice', key, 'direct-entry' FROM register.assets WHERE id = 'finsbury-library';
INSERT INTO register.schedules (id, service_id, freq, byday, opens_at, closes_at, source_id)
VALUES ('advice-when', 'advice', 'WEEKLY', 'TU', '10{colon}00', '13{colon}00', 'direct-entry');
"""


@pytest.fixture(scope="module", autouse=True)
def advice(database):
    with database.session("tester") as session:
        session.connection().exec_driver_sql(ADVICE.replace("{colon}", ":"))
        session.execute(text("SELECT 1"))


def test_a_place_says_what_happens_there(client):
    page = client.get("/assets/finsbury-library").text
    assert "What happens here" in page
    assert "Advice &lt;here&gt;" in page
    assert "Tuesdays, 10am to 1pm" in page
    assert "/assets/finsbury-library/calendar.ics" in page
    assert "We do not know yet which services" in client.get("/assets/vernon-hall").text


def test_what_is_on_is_listed_by_day_locality_and_need(client):
    page = client.get("/whats-on?from=2027-03-01&locality=South").text
    assert page.count("Advice &lt;here&gt;") == 4
    assert "10:00–13:00" in page
    for nothing in ("locality=North", "need=food"):
        empty = client.get(f"/whats-on?from=2027-03-01&{nothing}").text
        assert "We know of nothing" in empty
        assert "Example" not in empty
    examples = client.get("/whats-on?from=2027-01-04&examples=yes").text
    assert "made-up examples" in examples
    assert "Demonstration" in examples


@pytest.mark.parametrize(
    "query",
    ["from=", "from=x", "from=9999-99-99", "from=9999-12-31", "from=0001-01-01", "need=%00", "locality=%00"],
)
def test_what_is_mistyped_shows_the_list(client, query):
    assert client.get(f"/whats-on?{query}").status_code == 200


@pytest.mark.parametrize("path", ["/assets/finsbury-library", "/localities/south"])
def test_calendars_hold_the_sessions(client, path):
    response = client.get(f"{path}/calendar.ics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/calendar")
    events = Calendar.from_ical(response.data).walk("VEVENT")
    assert [str(event["summary"]) for event in events] == ["Advice <here>"]
    assert "Finsbury Library" in events[0]["location"]


@pytest.mark.parametrize(
    "path", ["/assets/nothing", "/localities/nothing", "/green-spaces/%00", "/gp-sites/finsbury-library"]
)
def test_a_calendar_of_nothing_is_not_found(client, path):
    assert client.get(f"{path}/calendar.ics").status_code == 404


def test_an_empty_calendar_is_one(client):
    response = client.get("/green-spaces/highbury-fields/calendar.ics")
    assert Calendar.from_ical(response.data).walk("VEVENT") == []
