"""Still open, or changed: at once from who may confirm, to a reviewer from anybody else; files given out."""

import io
import uuid

import pytest
from sqlalchemy import text

from mapservice.survey import storage
from tests.web.survey.test_suggesting import FORM, SPOT, hidden, photograph, rows

PARK = "/green-spaces/highbury-fields"
SOUTH_PARK = "/green-spaces/spa-fields"


def facts(app, space_id):
    (row,) = rows(
        app,
        "SELECT access, confirmed_on, verified, verified_fields FROM register.green_spaces WHERE id = :id",
        id=space_id,
    )
    return row


@pytest.fixture(scope="module")
def south_park(app):
    """A space in the South that is open and that nobody has confirmed."""
    with app.extensions["database"].session("tests") as session:
        found = session.execute(
            text(
                "SELECT f.id FROM register.green_spaces f JOIN register.green_space_areas m"
                " ON m.green_space_key = f.key JOIN register.areas a ON a.key = m.area_key"
                " WHERE a.id = 'south' AND m.share > 0.9 AND f.status = 'existing'"
                " AND f.access = 'open-to-all' ORDER BY f.id LIMIT 1"
            )
        ).scalar_one()
        session.execute(
            text(
                "UPDATE register.green_spaces"
                " SET verified = false, confirmed_on = NULL, verified_fields = NULL WHERE id = :id"
            ),
            {"id": found},
        )
    return found


def test_a_surveyor_confirms_in_one_tap_and_can_take_it_back(app, signed_in, south_park):
    browser, page = signed_in("surveyor"), f"/green-spaces/{south_park}"
    before = facts(app, south_park)
    given = str(uuid.uuid4())
    answer = browser.post(f"{page}/confirm", form=page, id=given, access="open-to-all")
    assert answer.headers["Location"] == f"{page}?confirmed={given}"
    after = facts(app, south_park)
    assert (after.access, after.verified, after.verified_fields) == ("open-to-all", True, "access")
    assert after.confirmed_on is not None
    shown = browser.get(answer.headers["Location"]).text
    assert "it was checked today" in shown
    assert "Last confirmed on" in shown
    # Twice is once.
    browser.post(f"{page}/confirm", form=page, id=given, access="open-to-all")
    states = rows(app, "SELECT state FROM survey.submissions WHERE green_space_id = :id", id=south_park)
    assert states == [("taken",)]
    undo = f"/green-spaces/confirmations/{given}/undo"
    for _ in range(2):
        answer = browser.post(undo, form=page)
        assert answer.headers["Location"] == f"{page}?confirmed=undone"
    assert facts(app, south_park) == before
    # Nobody else's is theirs to take back.
    assert signed_in("reviewer").post(undo, form=page).status_code == 404


def test_what_somebody_has_changed_since_is_not_taken_back_over_them(app, signed_in, south_park):
    browser, page = signed_in("surveyor"), f"/green-spaces/{south_park}"
    given = str(uuid.uuid4())
    browser.post(f"{page}/confirm", form=page, id=given, access="open-to-all")
    with app.extensions["database"].session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET access = 'no-access' WHERE id = :id"), {"id": south_park}
        )
    answer = browser.post(f"/green-spaces/confirmations/{given}/undo", form=page)
    assert answer.status_code == 409
    assert facts(app, south_park).access == "no-access"
    with app.extensions["database"].session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET access = 'open-to-all' WHERE id = :id"), {"id": south_park}
        )


def test_from_anybody_else_it_waits_for_a_reviewer(app, browse, signed_in):
    before = facts(app, "highbury-fields")
    nobody, contributor, elsewhere = browse(), signed_in("contributor"), signed_in("surveyor")
    for browser, form in ((nobody, f"{PARK}/confirm"), (contributor, PARK), (elsewhere, PARK)):
        answer = browser.post(f"{PARK}/confirm", form=form, id=str(uuid.uuid4()), access="open-to-all")
        page = browser.get(answer.headers["Location"]).text
        assert "Waiting for a reviewer" in page
    assert facts(app, "highbury-fields") == before
    waiting = "SELECT state FROM survey.submissions WHERE green_space_id = 'highbury-fields'"
    assert {state for (state,) in rows(app, waiting)} == {"waiting"}


def test_only_what_is_open_can_be_confirmed(app, browse, signed_in):
    page = "/green-spaces/demonstration-space-c1"
    answer = browse().post(f"{page}/confirm", form=FORM, id=str(uuid.uuid4()), access="open-to-all")
    assert answer.status_code == 400
    assert browse().post(f"{PARK}/confirm", form=f"{PARK}/confirm", access="no-access").status_code == 400
    for missing in ("no-such-space", "..%2f..", "%00"):
        assert browse().get(f"/green-spaces/{missing}/confirm").status_code == 404
        assert browse().get(f"/green-spaces/{missing}/report").status_code == 404


def test_what_has_changed_is_reported_with_a_photograph(app, browse):
    browser = browse()
    empty = browser.post(f"{PARK}/report", id=str(uuid.uuid4()), photographs=(photograph("tan"), "lock.jpg"))
    assert empty.status_code == 400
    assert 'href="#changed"' in empty.text
    answer = browser.post(
        f"{PARK}/report",
        id=hidden(empty.text, "id")[0],
        changed="closed",
        note="A lock <script>alert(1)</script>",
        kept=hidden(empty.text, "kept"),
    )
    page = browser.get(answer.headers["Location"]).text
    assert "1 photograph came with it" in page
    assert "<script>alert" not in page
    ((fields, kind),) = rows(
        app, "SELECT fields, kind FROM survey.submissions WHERE fields ->> 'changed' = 'closed'"
    )
    assert kind == "change"
    assert fields["note"].startswith("A lock <script>")


def test_a_photograph_is_seen_by_the_network_until_it_is_published(app, browse, signed_in):
    contributor = signed_in("contributor")
    contributor.post(
        FORM, id=str(uuid.uuid4()), name="Seen", place=SPOT, photographs=(photograph("blue"), "seen.jpg")
    )
    ((file_id, sha256),) = rows(app, "SELECT id, sha256 FROM survey.files WHERE name = 'seen.jpg'")
    address = f"/files/{file_id}"

    def statuses():
        who = (browse(), contributor, signed_in("surveyor"))
        return [browser.get(address).status_code for browser in who]

    assert statuses() == [404, 200, 200]
    answer = signed_in("surveyor").get(address)
    assert answer.mimetype == "image/jpeg"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    with app.extensions["database"].session("tests") as session:
        session.execute(text("UPDATE survey.files SET visibility = 'public' WHERE id = :id"), {"id": file_id})
    assert statuses() == [404, 200, 200]  # the space is still the network's
    with app.extensions["database"].session("tests") as session:
        session.execute(text("UPDATE register.green_spaces SET visibility = 'public' WHERE name = 'Seen'"))
    assert statuses() == [200, 200, 200]
    assert f'src="{address}"' in browse().get("/green-spaces/seen").text
    with app.extensions["database"].session("tests") as session:
        session.execute(text("UPDATE survey.files SET removed_at = now() WHERE id = :id"), {"id": file_id})
    assert statuses() == [404, 404, 404]
    for wrong in (uuid.uuid4(), "1", sha256, "..%2f" + sha256):
        assert browse().get(f"/files/{wrong}").status_code == 404


def test_a_file_that_was_cut_off_before_its_row_is_swept_after_a_day(app, browse):
    import os
    import time

    from mapservice.survey_commands import sweep_files

    settings, database = app.extensions["settings"], app.extensions["database"]
    folder = storage.folder_of(settings.var_dir)
    browser = browse()
    browser.post(
        FORM, id=str(uuid.uuid4()), name="Swept", place=SPOT, photographs=(photograph("gold"), "kept.jpg")
    )
    ((kept,),) = rows(app, "SELECT sha256 FROM survey.files WHERE name = 'kept.jpg'")
    lost = storage.keep(folder, io.BytesIO(b"killed before the row"))
    before = time.time() - 2 * storage.DAY_S
    for digest in (kept, lost.sha256):
        os.utime(storage.path_of(folder, digest), (before, before))
    assert sweep_files(settings, database) >= 1
    assert storage.path_of(folder, kept).exists()
    assert not storage.path_of(folder, lost.sha256).exists()


def test_what_was_changed_while_a_page_lay_open_is_not_confirmed_away(app, signed_in, south_park):
    browser, page = signed_in("surveyor"), f"/green-spaces/{south_park}"
    with app.extensions["database"].session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET access = 'no-access' WHERE id = :id"), {"id": south_park}
        )
    given = {"id": str(uuid.uuid4()), "access": "open-to-all", "seen": "open-to-all"}
    answer = browser.post(f"{page}/confirm", form=page, **given)
    assert answer.status_code == 400
    assert "since you opened this page" in answer.text
    assert facts(app, south_park).access == "no-access"


def test_a_confirmation_taken_in_the_queue_is_not_ones_own_to_undo_here(
    app, signed_in, everybody, south_park
):
    browser, page = signed_in("reviewer"), f"/green-spaces/{south_park}"
    with app.extensions["database"].session("tests") as session:
        sent = session.execute(
            text(
                "INSERT INTO survey.submissions"
                " (id, kind, green_space_key, green_space_id, written_at, fields, state, decided_by,"
                " decided_at)"
                " SELECT gen_random_uuid(), 'confirmation', key, id, now(),"
                " CAST('{}' AS jsonb), 'taken', :by, now() FROM register.green_spaces WHERE id = :id"
                " RETURNING id"
            ),
            {"id": south_park, "by": everybody["reviewer"]},
        ).scalar_one()
    assert browser.post(f"/green-spaces/confirmations/{sent}/undo", form=page).status_code == 404
    assert "it was checked today" not in browser.get(f"{page}?confirmed={sent}").text
