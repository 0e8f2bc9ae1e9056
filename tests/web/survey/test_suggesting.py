"""Suggesting a green space without a script: what is sent is kept, what is refused is not lost."""

import errno
import io
import json
import os
import re
import uuid

import pytest
from PIL import ExifTags, Image
from sqlalchemy import text
from werkzeug.wrappers import Request

from mapservice.survey import storage, submitting

FORM = "/green-spaces/suggest"
SPOT = "531500 182600"
SCRIPT = "<script>alert(1)</script>"


def photograph(colour="green", at=None, size=(80, 60)):
    image, kept = Image.new("RGB", size, colour), io.BytesIO()
    exif = Image.Exif()
    if at:
        longitude, latitude = at
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {1: "N", 2: (latitude, 0.0, 0.0), 3: "W" if longitude < 0 else "E", 4: (abs(longitude), 0.0, 0.0)}
        )
    image.save(kept, "JPEG", exif=exif)
    kept.seek(0)
    return kept


def hidden(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', page)


def rows(app, statement, **values):
    with app.extensions["database"].session("tests") as session:
        return session.execute(text(statement), values).all()


def submissions(app, name):
    return rows(
        app,
        "SELECT id, fields, account_id FROM survey.submissions WHERE fields ->> 'name' = :name",
        name=name,
    )


def outcome_of(answer):
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].partition("?")[0]


def test_a_suggestion_with_a_postcode_is_taken_and_says_what_happens_next(app, browse):
    browser = browse()
    answer = browser.post(FORM, id=str(uuid.uuid4()), name="Behind the depot", place="n1 9jp")
    page = browser.get(answer.headers["Location"]).text
    assert "What happens next" in page
    assert "Behind the depot" in page
    assert f"http://localhost{outcome_of(answer)}" in page
    found = rows(
        app,
        "SELECT postcode, position, visibility FROM register.green_spaces WHERE name = 'Behind the depot'",
    )
    assert found == [("N1 9JP", "approximate", "network")]
    # Whoever does not know the address finds nothing of it.
    assert "Behind the depot" not in browser.get("/green-spaces?layer=potential-green-spaces").text
    assert browse().get("/green-spaces/behind-the-depot").status_code == 404


def test_a_form_sent_twice_is_one_suggestion(app, browse):
    browser, given = browse(), str(uuid.uuid4())
    first, second = (browser.post(FORM, id=given, name="Twice", place=SPOT) for _ in range(2))
    assert outcome_of(first) == outcome_of(second)
    assert len(submissions(app, "Twice")) == 1


def test_what_is_refused_comes_back_filled_in_with_its_photographs(app, browse):
    browser = browse()
    wrong = {
        "name": "",
        "place": "nowhere at all",
        "opportunity": SCRIPT,
        "owner_note": '"><img src=x onerror=alert(1)>',
        "title_number": "no title",
        "current_use": "verge",
        "photographs": [(photograph(), "gate.jpg"), (io.BytesIO(b"<svg/>"), "drawing.svg")],
    }
    answer = browser.post(FORM, id=str(uuid.uuid4()), **wrong)
    page = answer.text
    assert answer.status_code == 400
    assert "There is a problem" in page
    for field in ("place", "name", "title_number", "photographs"):
        assert f'href="#{field}"' in page
    assert "drawing.svg: This is not a photograph" in page
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<img src=x" not in page
    assert 'value="verge" checked' in page
    assert 'value="nowhere at all"' in page
    assert re.search(r"<details[^>]* open", page)
    kept = hidden(page, "kept")
    assert len(kept) == 1
    answer = browser.post(
        FORM, id=hidden(page, "id")[0], name="Now it is right", place=SPOT, kept=kept, opportunity=SCRIPT
    )
    assert "1 photograph came with it" in browser.get(answer.headers["Location"]).text
    (stored,) = rows(
        app,
        "SELECT p.sha256, p.name, p.visibility FROM survey.files p JOIN register.green_spaces f"
        " ON f.key = p.green_space_key WHERE f.name = 'Now it is right'",
    )
    assert stored[1:] == ("gate.jpg", "network")
    folder = storage.folder_of(app.extensions["settings"].var_dir)
    assert Image.open(storage.path_of(folder, stored[0])).format == "JPEG"


def test_the_place_of_a_photograph_is_offered_and_never_kept(app, browse):
    browser = browse()
    page = browser.post(
        FORM,
        id=str(uuid.uuid4()),
        name="By photograph",
        photographs=(photograph(at=(-0.1012, 51.5272)), "gate.jpg"),
    ).text
    assert "It is where gate.jpg was taken: 51.52720, -0.10120" in page
    browser.post(
        FORM,
        id=hidden(page, "id")[0],
        name="By photograph",
        kept=hidden(page, "kept"),
        at_photograph="51.52720, -0.10120",
    )
    ((longitude, sha256),) = rows(
        app,
        "SELECT ST_X(f.geom_4326), p.sha256 FROM register.green_spaces f JOIN survey.files p"
        " ON p.green_space_key = f.key WHERE f.name = 'By photograph'",
    )
    assert longitude == pytest.approx(-0.1012, abs=1e-5)
    folder = storage.folder_of(app.extensions["settings"].var_dir)
    assert dict(Image.open(storage.path_of(folder, sha256)).getexif()) == {}


def test_what_was_drawn_is_taken_and_what_was_drawn_wrong_is_refused(app, browse):
    browser = browse()
    ring = [[-0.1012, 51.5272], [-0.1008, 51.5272], [-0.1008, 51.5275], [-0.1012, 51.5275]]
    drawn = json.dumps({"type": "Polygon", "coordinates": [ring]})
    browser.post(FORM, id=str(uuid.uuid4()), name="Drawn", geometry=drawn, entrances=json.dumps([ring[0]]))
    assert rows(app, "SELECT position FROM register.green_spaces WHERE name = 'Drawn'") == [("outline",)]
    crossed = json.dumps({"type": "Polygon", "coordinates": [[ring[0], ring[2], ring[1], ring[3]]]})
    for geometry in (crossed, "{", "[]", '{"type": "Polygon", "coordinates": "x"}'):
        answer = browser.post(FORM, id=str(uuid.uuid4()), name="Drawn badly", geometry=geometry)
        assert answer.status_code == 400
        assert 'href="#place"' in answer.text
    assert submissions(app, "Drawn badly") == []


def test_known_spaces_close_by_are_named(browse):
    page = browse().post(FORM, id=str(uuid.uuid4()), name="", place="51.5518, -0.1001").text
    assert "Is it one of these" in page
    assert "/green-spaces/highbury-fields" in page


def test_a_script_gets_the_same_in_json(browse):
    browser = browse()
    token = browser.get("/green-spaces/suggest/token").json["csrf_token"]
    given = {"id": str(uuid.uuid4()), "name": "", "place": SPOT, "csrf_token": token}
    ask = {"headers": {"Accept": "application/json"}, "environ_base": {"REMOTE_ADDR": browser.address}}
    refused = browser.client.post(FORM, data=given, **ask)
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json["mistakes"]] == ["name"]
    given["name"] = "By script"
    first, second = (browser.client.post(FORM, data=given, **ask) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json["address"] == second.json["address"] == f"/green-spaces/suggestions/{given['id']}"


def test_no_foreign_page_can_send_it(app, browse):
    given = {"id": str(uuid.uuid4()), "name": "Foreign", "place": SPOT}
    for token in ({}, {"csrf_token": "made up"}):
        answer = browse().client.post(FORM, data={**given, **token})
        assert answer.status_code == 400
        assert "given out too long ago" in answer.text
    assert submissions(app, "Foreign") == []


def test_an_address_that_was_not_given_out_is_not_found(browse):
    browser = browse()
    for wrong in (uuid.uuid4(), uuid.UUID(int=0), "1", "..%2f..%2fetc"):
        assert browser.get(f"/green-spaces/suggestions/{wrong}").status_code == 404
    # An id that anybody could guess is not taken from a form.
    answer = browser.post(FORM, id=str(uuid.UUID(int=1)), name="Guessable", place=SPOT)
    assert outcome_of(answer) != f"/green-spaces/suggestions/{uuid.UUID(int=1)}"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name, plain",
    [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("<b>x</b>.jpg", "b>.jpg"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("...", "photograph"),
        ("x" * 500 + ".jpg", "x" * 96 + ".jpg"),
    ],
    ids=["unix", "windows", "html", "header", "turned", "dots", "long"],
)
def test_tricks_in_the_name_of_a_file_come_to_nothing(name, plain):
    from mapservice.web.survey.uploads import plain_name

    assert plain_name(name) == plain


def test_a_forged_photograph_is_not_taken(app, browse):
    browser = browse()
    forged = ["x", "WyJhIl0.aaaa.bbbb", *hidden(browser.get(FORM).text, "csrf_token")]
    answer = browser.post(FORM, id=str(uuid.uuid4()), name="Forged", place=SPOT, kept=forged)
    assert answer.status_code == 400
    assert "choose it again" in answer.text
    assert hidden(answer.text, "kept") == []
    assert submissions(app, "Forged") == []


def test_a_full_disk_is_said_and_the_words_come_back(app, browse, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    browser = browse()
    given = {"id": str(uuid.uuid4()), "name": "Full", "place": SPOT, "opportunity": "Kept words"}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = browser.post(FORM, **given, photographs=(photograph("red"), "gate.jpg"))
        assert answer.status_code == 507
        assert "no room left" in answer.text
        assert "Kept words" in answer.text
        assert submissions(app, "Full") == []
        # Without photographs it goes through at once.
        assert browser.post(FORM, **given).status_code == 303
    assert len(submissions(app, "Full")) == 1


def test_a_disk_that_is_full_before_the_form_is_in_is_said(browse, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    browser = browse()
    token = hidden(browser.get(FORM).text, "csrf_token")[0]
    monkeypatch.setattr(Request, "_get_file_stream", full)
    data = {"csrf_token": token, "photographs": (photograph(), "gate.jpg")}
    answer = browser.client.post(FORM, data=data)
    assert answer.status_code == 507
    assert "Nothing was sent" in answer.text


def test_more_than_it_takes_is_refused_in_words(browse):
    browser = browse()
    large = io.BytesIO(b"\xff\xd8" + b"\0" * (13 * 1024 * 1024))
    answer = browser.post(FORM, id=str(uuid.uuid4()), name="Large", place=SPOT, photographs=(large, "x.jpg"))
    assert answer.status_code == 400
    assert "x.jpg: This is larger than 12 MB" in answer.text
    eight = [
        (photograph(colour), f"{colour}.jpg")
        for colour in ("red", "tan", "blue", "pink", "gold", "teal", "navy")
    ]
    answer = browser.post(FORM, id=str(uuid.uuid4()), name="Many", place=SPOT, photographs=eight)
    assert "Send at most 6 photographs" in answer.text
    assert len(hidden(answer.text, "kept")) == 6
    too_much = {"CONTENT_LENGTH": str(200 * 1024 * 1024)}
    answer = browser.client.post(
        FORM, content_type="multipart/form-data; boundary=x", environ_overrides=too_much
    )
    assert answer.status_code == 413
    assert "too much to send at once" in answer.text
    elsewhere = {"CONTENT_LENGTH": str(3 * 1024 * 1024)}
    assert browser.client.post("/sign-in", environ_overrides=elsewhere).status_code == 413


def test_who_sends_without_end_has_to_wait_and_loses_nothing(browse, app):
    from mapservice.accounts import attempts

    browser = browse()
    with app.extensions["database"].session("tests") as session:
        for _ in range(attempts.SUGGESTION.free):
            attempts.attempt(session, str(app.secret_key), attempts.SUGGESTION, "survey", browser.address)
    answer = browser.post(FORM, id=str(uuid.uuid4()), name="Too often", place=SPOT, opportunity="Kept words")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Kept words" in answer.text
    assert submissions(app, "Too often") == []
    # Somebody with an account, and somebody elsewhere, may.
    assert browse().post(FORM, id=str(uuid.uuid4()), name="Elsewhere", place=SPOT).status_code == 303


def test_what_somebody_with_an_account_sends_is_theirs(app, signed_in, everybody):
    browser = signed_in("contributor")
    browser.post(FORM, id=str(uuid.uuid4()), name="Mine", place=SPOT)
    ((_, _, account_id),) = submissions(app, "Mine")
    assert account_id == everybody["contributor"]
    # The history names the account and nothing of the person.
    ((actor,),) = rows(
        app,
        "SELECT DISTINCT actor FROM history.changes"
        " WHERE table_name = 'green_spaces' AND after ->> 'name' = 'Mine'",
    )
    assert actor == account_id


def test_what_is_asked_while_drawing(browse, signed_in):
    browser = browse()
    ring = [[-0.1012, 51.5272], [-0.1008, 51.5272], [-0.1008, 51.5275], [-0.1012, 51.5275]]
    said = browser.client.post(
        "/green-spaces/check", json={"geometry": {"type": "Polygon", "coordinates": [ring]}}
    ).json
    assert said["problems"] == []
    assert said["area_m2"] == pytest.approx(926, rel=0.05)
    assert said["tennis_courts"] == pytest.approx(said["area_m2"] / 260.757, rel=0.01)
    crossed = {"type": "Polygon", "coordinates": [[ring[0], ring[2], ring[1], ring[3]]]}
    said = browser.client.post("/green-spaces/check", json={"geometry": crossed}).json
    assert "crosses itself" in said["problems"][0]
    for wrong in (None, [], {"geometry": 1}, {"geometry": {"type": "Point", "coordinates": [1e400, 1]}}):
        assert browser.client.post("/green-spaces/check", json=wrong).json["problems"]
    for nowhere in ("", "?lon=x&lat=1", "?place=nowhere", "?place=%00"):
        assert browser.get(f"/green-spaces/near{nowhere}").json == {"spaces": []}
    named = browser.get("/green-spaces/near?place=51.5518,-0.1001").json
    assert named["at"] == [-0.1001, 51.5518]
    assert "highbury-fields" in {one["id"] for one in named["spaces"]}
    near = browser.get("/green-spaces/near?lon=-0.1001&lat=51.5518&name=x").json["spaces"]
    assert "highbury-fields" in {one["id"] for one in near}


def test_no_space_is_given_the_address_of_a_page_as_its_id(app):
    taken = {
        parts[2]
        for rule in app.url_map.iter_rules()
        if (parts := rule.rule.split("/"))[1] in ("green-spaces", "review")
        and len(parts) > 2
        and "<" not in parts[2]
    }
    pages = {name.partition(".")[0] for name in taken if name}
    assert pages <= submitting.RESERVED


def test_who_sent_a_photograph_can_take_it_back_and_nobody_else(app, browse, signed_in):
    browser, name = browse(), "Somebody is on it"
    given = {"name": name, "place": SPOT, "photographs": (photograph("pink"), "gate.jpg")}
    at = outcome_of(browser.post(FORM, id=str(uuid.uuid4()), **given))
    ((file_id,),) = rows(
        app,
        "SELECT p.id FROM survey.files p JOIN survey.submissions s ON s.id = p.submission_id"
        " WHERE s.fields ->> 'name' = :name",
        name=name,
    )
    reviewer = signed_in("administrator")
    assert reviewer.get(f"/files/{file_id}").status_code == 200
    other = f"/green-spaces/suggestions/{uuid.uuid4()}"
    browser.post(f"{other}/photographs/{file_id}/remove", form=at)
    assert "gate.jpg" in browser.get(at).text
    remove = f"{at}/photographs/{file_id}/remove"
    assert remove in browser.get(at).text
    assert browser.post(remove, form=at).headers["Location"] == at
    assert "gate.jpg" not in browser.get(at).text
    assert reviewer.get(f"/files/{file_id}").status_code == 404


def test_what_was_sent_is_read_again_at_its_address_with_its_outline_and_photographs(app, browse):
    browser, name = browse(), "Read again"
    west, south = -0.10131, 51.52731
    ring = [[west, south], [west + 0.0003, south], [west + 0.0003, south + 0.0003], [west, south]]
    given = {
        "name": name,
        "opportunity": SCRIPT,
        "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        "entrances": json.dumps([ring[0]]),
        "photographs": (photograph("pink"), "gate.jpg"),
    }
    at = outcome_of(browser.post(FORM, id=str(uuid.uuid4()), **given))
    page = browse().get(at).text
    assert name in page
    assert "&lt;script&gt;" in page
    assert SCRIPT not in page
    assert "The number marks the entrance." in page
    picture = re.search(r'<img src="([^"]+)"', page)[1]
    shown = browse().get(picture)
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert "no-store" in shown.headers["Cache-Control"]
    other = picture.replace(at, f"/green-spaces/suggestions/{uuid.uuid4()}")
    assert browse().get(other).status_code == 404
    outline = re.search(r'data-map-feature="([^"]+)"', page)[1]
    with app.extensions["database"].session("tests") as session:
        # Drawn anew by somebody else: what was sent stays what it was.
        session.execute(
            text("UPDATE register.green_spaces SET geom = ST_Translate(geom, 5, 0) WHERE name = :name"),
            {"name": name},
        )
    drawn = browse().get(outline).json["geometry"]["coordinates"][0][0]
    assert any(abs(x - west) < 2e-6 and abs(y - south) < 2e-6 for x, y in drawn)
    assert browse().get(f"/green-spaces/suggestions/{uuid.uuid4()}/outline.geojson").status_code == 404


def test_who_has_an_account_has_a_list_of_all_they_sent(app, browse, signed_in):
    nobody, contributor, other = browse(), signed_in("contributor"), signed_in("planner")
    assert nobody.get("/account/sent").status_code == 303
    assert "You have sent nothing yet" in other.get("/account/sent").text
    assert 'href="/account/sent"' in contributor.get("/account").text
    given = {"name": "Mine", "place": SPOT, "photographs": (photograph("navy"), "gate.jpg")}
    mine = outcome_of(contributor.post(FORM, id=str(uuid.uuid4()), **given))
    report = "/green-spaces/highbury-fields/report"
    reported = outcome_of(contributor.post(report, id=str(uuid.uuid4()), changed="other", note="A gate"))
    nobody.post(FORM, id=str(uuid.uuid4()), name="Nobody's", place=SPOT)
    page = contributor.get("/account/sent").text
    assert page.index(reported) < page.index(mine)
    said = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert re.search(r"Mine \(Suggestion, .*? Waiting for a reviewer Suggested .*? 1 photograph", said)
    assert re.search(r"Highbury Fields \(Report of what has changed, .*? Waiting for a reviewer", said)
    assert "Take a photograph back" in said
    assert "Nobody's" not in said
    assert mine not in other.get("/account/sent").text
    rows(
        app,
        "UPDATE survey.submissions SET state = 'declined', reason = 'No gate there', decided_at = now()"
        " WHERE id = :id RETURNING id",
        id=reported.rpartition("/")[2],
    )
    assert re.search(r"Declined<.*?No gate there", contributor.get("/account/sent").text, re.S)
    rows(
        app,
        "INSERT INTO survey.submissions"
        " (id, kind, green_space_key, green_space_id, account_id, written_at, received_at, fields)"
        " SELECT gen_random_uuid(), 'confirmation', key, id, (SELECT account_id FROM survey.submissions"
        " WHERE id = :mine), now(), now() - interval '1 day', '{}'"
        " FROM register.green_spaces, generate_series(1, 50) WHERE id = 'highbury-fields' RETURNING id",
        mine=mine.rpartition("/")[2],
    )
    first, second = (contributor.get(f"/account/sent?page={page}").text for page in (1, 2))
    headings = '<h2 class="govuk-heading-s govuk-!-margin-bottom-1"><a'
    number = [each.count(headings) for each in (first, second)]
    assert number == [50, 2]
    assert "52 things sent" in first
    assert ['rel="next"' in each for each in (first, second)] == [True, False]
    assert contributor.get("/account/sent?page=0").status_code == 404
