"""The public page of the promise: its figures are worked out beside the requests."""

import csv
import io
import threading

import pytest

from mapservice.web import promise

PATH = "/no-wrong-door"
FIGURES = "Share of postcodes, by what help is about"
WAIT = "The figures are being worked out"


@pytest.fixture
def slow(app, monkeypatch):
    """Figures anew, of which the check goes on only when told; how often it was begun."""
    monkeypatch.setitem(app.extensions, "promise", promise.Figures(app.extensions["database"]))
    monkeypatch.setattr(promise, "PATIENCE_S", 0.05)
    monkeypatch.setattr(promise.Figures.wanted, "__defaults__", (0.05,))
    go_on, begun, check = threading.Event(), [], promise.check_doors

    def waiting(cursor):
        begun.append(cursor)
        assert go_on.wait(20)
        return check(cursor)

    monkeypatch.setattr(promise, "check_doors", waiting)
    yield go_on, begun
    go_on.set()


def settled(app):
    figures = app.extensions["promise"]
    return figures.wanted(30)


def test_nobody_waits_long_and_all_wait_for_one_check(app, client, slow):
    go_on, begun = slow
    for _ in range(3):
        page = client.get(PATH)
        assert page.status_code == 200
        assert WAIT in page.text
        assert FIGURES not in page.text
        assert page.headers["Cache-Control"] == "no-store"
    assert len(begun) == 1
    go_on.set()
    found, current = settled(app)
    assert found.postcodes > 6000
    assert current
    page = client.get(PATH).text
    assert FIGURES in page
    assert WAIT not in page
    assert len(begun) == 1, "kept for as long as it holds"


def test_after_a_change_the_old_figures_show_and_say_so(app, client, database, slow):
    go_on, begun = slow
    go_on.set()
    settled(app)
    go_on.clear()
    with database.session("tests", as_owner=True) as session:
        session.connection().exec_driver_sql(
            "UPDATE register.assets SET note = 'changed' WHERE id = 'finsbury-library'"
        )
    page = client.get(PATH).text
    assert FIGURES in page
    assert "Something has changed since" in page
    go_on.set()
    assert settled(app)[1]
    assert "Something has changed since" not in client.get(PATH).text
    assert len(begun) == 2


def test_figures_follow_what_is_measured_and_where_people_live(app, database, slow):
    go_on, begun = slow
    figures = app.extensions["promise"]
    go_on.set()
    assert settled(app)[1]
    go_on.clear()
    for change in (
        "UPDATE network.places SET batch = COALESCE(batch, 0) + 1, measured = generation"
        " WHERE key = (SELECT min(key) FROM network.places)",
        "UPDATE register.homes SET residents = residents + 1"
        " WHERE ctid = (SELECT ctid FROM register.homes LIMIT 1)",
        "UPDATE register.postcodes SET geom = geom WHERE postcode = 'N1 9JP'",
    ):
        before = figures._now()
        with database.owner.begin() as connection:
            assert connection.exec_driver_sql(change).rowcount == 1
        assert figures._now() != before, change
    assert not figures.wanted(0.05)[1]
    assert len(begun) == 2


def test_what_to_find_out_is_a_list_to_download(app, client, slow):
    go_on, _ = slow
    assert client.get(f"{PATH}/to-find-out.csv").status_code == 503
    go_on.set()
    found, _ = settled(app)
    page = client.get(PATH).text
    assert f"holds from {found.postcodes_kept:,} of {found.postcodes:,} postcodes" in page
    assert found.to_find_out[0].door.name.replace("'", "&#39;") in page
    answer = client.get(f"{PATH}/to-find-out.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [one.door.id for one in found.to_find_out]
    for row in rows:
        assert bool(row["phone"]) != ("telephone number" in row["find_out"])
    assert rows[0]["page"].endswith(f"/assets/{rows[0]['id']}")


def test_a_check_that_fails_is_tried_again(app, client, slow, monkeypatch):
    go_on, begun = slow
    go_on.set()
    check = promise.check_doors
    monkeypatch.setattr(promise, "check_doors", lambda cursor: 1 / 0)
    app.extensions["promise"].wanted(10)
    assert WAIT in client.get(PATH).text
    monkeypatch.setattr(promise, "check_doors", check)
    found = settled(app)[0] or settled(app)[0]  # the first may still be the one that fails
    assert found is not None
    assert len(begun) >= 1
