"""The queue and the working page, as reviewers, surveyors and others send their forms."""

import html
import io
import json
import re
import uuid

import pytest
from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.account import find_account
from mapservice.accounts.permissions import parse_grants
from mapservice.survey.merging import merge
from mapservice.survey.spaces import read_space
from tests.survey.conftest import NORTH
from tests.web.conftest import PASSWORD

NETWORK = ("public", "network")
SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def seen(database, space_id):
    with database.session("tests") as session:
        return read_space(session, space_id, NETWORK)


def submission_of(database, space_id, kind="change", by=None, **fields):
    sent = str(uuid.uuid4())
    with database.session("tests") as session:
        session.execute(
            text(
                "INSERT INTO survey.submissions"
                " (id, kind, green_space_key, green_space_id, account_id, written_at, fields)"
                " SELECT :id, :kind, key, id, :by, '2026-11-01 12:00Z', CAST(:fields AS jsonb)"
                " FROM register.green_spaces WHERE id = :space"
            ),
            {"id": sent, "kind": kind, "by": by, "fields": json.dumps(fields), "space": space_id},
        )
    return sent


@pytest.fixture
def reviewer(signed_in):
    return signed_in("reviewer")


def follow(browser, answer):
    assert answer.status_code == 303, (answer.status, re.findall(r"error-summary.*?</ul>", answer.text, re.S))
    return browser.get(answer.headers["Location"]).text


def hidden(page, name):
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def test_from_the_queue_to_open_and_undone(database, suggest, reviewer):
    space_id = suggest()
    page = reviewer.get("/review?locality=south").text
    assert f'/review/{space_id}"' in page
    assert "New suggestion" in page
    at = f"/review/{space_id}"
    for stage in ("checked-on-site", "owner-contacted", "plan"):
        page = follow(
            reviewer, reviewer.post(f"{at}/stage", at, stage=stage, version=seen(database, space_id).version)
        )
        assert "It was moved" in page
    given = {"version": seen(database, space_id).version, "stage": "opened"}
    refused = reviewer.post(f"{at}/stage", at, **given, reason="Opened by the mayor")
    assert refused.status_code == 400
    assert "Enter the day it opened" in refused.text
    assert "Opened by the mayor" in refused.text
    page = follow(
        reviewer,
        reviewer.post(f"{at}/stage", at, **given, opened_on="2026-05-31", access="open-to-all"),
    )
    assert "Existing green space" in page
    assert reviewer.client.application.test_client().get(f"/green-spaces/{space_id}").status_code == 200
    undo = re.search(r'role="status".*?name="change" value="(\d+)"', page, re.S)[1]
    page = follow(reviewer, reviewer.post(f"{at}/revert", at, change=undo))
    assert "That change was taken back" in page
    assert (seen(database, space_id).stage, seen(database, space_id).visibility) == ("plan", "network")


def test_an_empty_queue_says_so_and_nonsense_is_not_found(reviewer):
    assert "Nothing of this kind waits here" in reviewer.get("/review?locality=south&only=due").text
    for nonsense in ("only=x", "locality=north", "locality=x", "page=x", "page=²"):
        assert reviewer.get(f"/review?{nonsense}").status_code == 404
    assert reviewer.get("/review?page=99999999999").status_code == 200


FORMS = {
    "stage": ("/review/{id}/stage", {"stage": "opened", "opened_on": "soon"}),
    "no-such-stage": ("/review/{id}/stage", {"stage": "nonsense"}),
    "declined": ("/review/{id}/stage", {"stage": "declined"}),
    "too-long": ("/review/{id}/stage", {"stage": "plan", "reason": "é" * 3000}),
    "due": ("/review/{id}/due", {"due_on": "soon"}),
    "fields": ("/review/{id}/edit", {"name": "é" * 300, "access": "x", "cost_gbp": "?", "opened_on": "?"}),
    "owner": (
        "/review/{id}/edit",
        {"title_number": "?", "area_stated_ha": "-1", "confirmed_on": "2999"},
    ),
    "merge": ("/review/{id}/merge", {"into": "{id}"}),
    "undrawn": ("/review/{id}/outline", {"geometry": "{{}}"}),
    "outside": ("/review/{id}/outline", {"geometry": '{{"type": "Point", "coordinates": [0, 51]}}'}),
    "nothing-said": ("/green-spaces/{id}/comments", {"body": " "}),
    "file": ("/green-spaces/{id}/files", {"file": (b"MZ\x90\x00\xff", "é.exe")}),
    "picture": ("/green-spaces/{id}/files", {"file": (b"\xff\xd8\xff\x00", "é.jpg")}),
    "not-sent": ("/green-spaces/highbury-fields/report", {"changed": ""}),
    "not-open": ("/green-spaces/highbury-fields/confirm", {"access": ""}),
    "suggested": ("/green-spaces/suggest", {"name": "", "geometry": '{{"type": "Polygon"}}'}),
    "photograph": ("/green-spaces/suggest", {"photographs": (b"\x00\x00\x00\x18ftypheic", "é.heic")}),
}
REFUSED = re.compile(r'class="govuk-error-message">(.*?)</p>|error-summary__list">(.*?)</ul>', re.S)


@pytest.mark.parametrize("form", FORMS)
def test_every_refusal_is_in_the_language_of_the_page(database, suggest, reviewer, form):
    space_id = suggest(name="é")
    version = seen(database, space_id).version
    path, given = FORMS[form]
    at = f"/review/{space_id}?lang=en-XA" if "{id}" in path else f"{path}?lang=en-XA"
    fields = {
        name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value.format(id=space_id)
        for name, value in given.items()
    }
    refused = reviewer.post(path.format(id=space_id), at, version=version, into_version=version, **fields)
    reviewer.get("/?lang=en")
    assert refused.status_code == 400, refused.status
    said = [re.sub(r"<[^>]+>", " ", "".join(each)).strip() for each in REFUSED.findall(refused.text)]
    assert said
    plain = [each for each in said if re.search(r"[a-z]{3}|[A-Z]{3}", re.sub(r"é\.\w+", "", each))]
    assert not plain


def test_two_reviewers_at_once_the_second_sees_both_and_chooses(database, suggest, reviewer, signed_in):
    space_id, other = suggest(), signed_in("administrator")
    form = f"/review/{space_id}/edit"
    version = seen(database, space_id).version
    old = seen(database, space_id).values["name"]
    whole = {"type": "unknown", "access": "unknown", "version": version}
    follow(reviewer, reviewer.post(form, name="From the first", note="Kept", **whole))
    second = other.post(form, name="From the second", note="", safety_note="Nettles", **whole)
    assert second.status_code == 409
    page = second.text
    assert "As it is saved now: From the first" in page
    assert 'value="From the second"' in page
    assert "Nettles" in page
    assert ">Kept</textarea>" in page  # what only the first changed is in the form already
    assert old in page
    assert "a resident" in page  # the first chose no name to be seen by
    now = re.search(r'name="version" value="(\d+)"', page)[1]
    sent = {"name": "From the second", "note": "Kept", "safety_note": "Nettles", "type": "unknown"}
    sent |= {"access": "unknown", "version": now, "asked": "name"}
    undecided = other.post(form, **sent)
    assert undecided.status_code == 400
    assert "Choose one" in undecided.text
    assert "From the second" in undecided.text
    follow(other, other.post(form, **sent, keep_name="theirs"))
    values = seen(database, space_id).values
    assert (values["name"], values["note"], values["safety_note"]) == ("From the first", "Kept", "Nettles")


def test_what_does_not_meet_merges_and_says_what_the_other_changed(database, suggest, reviewer, signed_in):
    space_id, other = suggest(), signed_in("administrator")
    form, version = f"/review/{space_id}/edit", seen(database, space_id).version
    reviewer.post(form, note="From the first", version=version)
    page = follow(other, other.post(form, name="From the second", version=version))
    assert "Meanwhile somebody else had changed: Note" in page


def test_a_reviewer_removed_while_writing_keeps_the_words_and_changes_nothing(app, database, suggest, browse):
    with database.session("tests") as session:
        roles = parse_grants(["reviewer"])
        account_id = people.add_person(session, "Ada Gone", roles, email="gone@example.org")
        people.set_password(session, account_id, PASSWORD)
    space_id, browser = suggest(), browse()
    browser.sign_in("gone@example.org")
    form = f"/review/{space_id}/edit"
    before = seen(database, space_id)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(form).text)[1]
    words = {"note": "Long thought about words", "reason": SCRIPT}
    sent = {"csrf_token": token, "version": before.version, **words}
    with database.session("tests") as session:
        people.change_grants(session, account_id, parse_grants(["contributor"]))
    demoted = browser.client.post(form, data=sent)
    assert demoted.status_code == 403
    assert "Long thought about words" in demoted.text
    assert "<script>alert" not in demoted.text
    with database.session("tests") as session:
        people.disable(session, account_id)
    removed = browser.client.post(form, data=sent)
    assert removed.status_code == 403
    assert "You are no longer signed in" in removed.text
    assert "Long thought about words" in removed.text
    assert seen(database, space_id).version == before.version


def test_scripts_in_every_field_stay_words(database, suggest, reviewer, signed_in):
    space_id = suggest()
    at = f"/review/{space_id}"
    words = ("name", "access_note", "address", "opportunity", "owner_note", "safety_note", "note", "reason")
    version = seen(database, space_id).version
    sent = dict.fromkeys(words, SCRIPT) | {"type": "unknown", "access": "unknown", "version": version}
    follow(reviewer, reviewer.post(f"{at}/edit", **sent))
    reviewer.post(f"{at}/comments".replace("/review", "/green-spaces"), at, body=SCRIPT, tell=SCRIPT)
    version = seen(database, space_id).version
    reviewer.post(f"{at}/stage", at, stage="plan", reason=SCRIPT, version=version, sure="yes")
    sent_in = submission_of(database, space_id, name=SCRIPT, note=SCRIPT, changed=SCRIPT)
    file = {"file": (io.BytesIO(b"words"), f"{SCRIPT}.txt"), "caption": SCRIPT}
    reviewer.post(f"/green-spaces/{space_id}/files", at, **file)
    watcher = signed_in("administrator")
    watcher.post(f"/green-spaces/{space_id}/watch", at, watch="yes")
    version = seen(database, space_id).version
    reviewer.post(f"{at}/stage", at, stage="declined", reason=SCRIPT, version=version)
    other = suggest()
    pages = [
        reviewer.get(at),
        reviewer.get(f"{at}/edit"),
        reviewer.get(f"{at}/merge"),
        reviewer.get(f"/review/{other}/merge?into={space_id}"),
        reviewer.get(f"/review/submissions/{sent_in}"),
        reviewer.get("/review?only=declined"),
        watcher.get("/notices"),
        watcher.get(f"{at}?done={SCRIPT}&undo={SCRIPT}&both={SCRIPT}&earlier={SCRIPT}"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
    assert pages[0].text.count("&lt;script&gt;") > 10


def test_every_form_needs_its_token_and_keeps_its_words(app, suggest, signed_in):
    space_id, browser = suggest(), signed_in("administrator")
    at, talk = f"/review/{space_id}", f"/green-spaces/{space_id}"
    forms = [f"{at}/{form}" for form in ("stage", "publish", "due", "edit", "merge", "revert", "outline")]
    forms += [f"{talk}/{form}" for form in ("comments", "watch", "files", "confirm", "report")]
    forms += [f"{talk}/{form}/{uuid.uuid4()}" for form in ("files",)]
    forms += [f"{talk}/comments/{uuid.uuid4()}/remove", "/green-spaces/suggest", "/review/meetings"]
    forms += [f"/green-spaces/confirmations/{uuid.uuid4()}/undo"]
    forms += ["/review/removed", "/notices", f"/review/submissions/{uuid.uuid4()}"]
    for form in forms:
        answer = browser.client.post(form, data={"version": "1", "note": "Long thought about"})
        assert answer.status_code == 400, form
        assert "This form was given out too long ago" in answer.text, form
        assert "Long thought about" in answer.text, form


def test_the_words_stay_where_the_space_is_gone_and_lead_to_what_it_became(database, suggest, reviewer):
    duplicate, into, at_rest = suggest(), suggest(), suggest()
    token = re.search(r'name="csrf_token" value="([^"]+)"', reviewer.get(f"/review/{duplicate}").text)[1]
    merging = f"/review/{duplicate}/merge"
    versions = {"version": seen(database, duplicate).version, "into_version": seen(database, into).version}
    follow(reviewer, reviewer.post(merging, f"{merging}?into={into}", into=into, **versions))
    words = {"csrf_token": token, "version": 1, "note": "Long thought about", "body": "Long thought about"}
    for form in (f"/review/{duplicate}/edit", f"/green-spaces/{duplicate}/comments"):
        answer = reviewer.client.post(form, data=words)
        assert answer.status_code == 404, form
        assert "Long thought about" in answer.text, form
        assert f'href="/review/{into}"' in answer.text, form
    answer = reviewer.client.post(f"/review/{at_rest}/edit", data={**words, "version": 10**15})
    assert answer.status_code == 404
    assert "Long thought about" in answer.text
    assert f'href="/review/{at_rest}"' in answer.text


def test_what_was_merged_leaves_the_queue_and_tells_its_suggester(database, suggest, reviewer, app):
    duplicate = suggest(name="Waits no more")
    into = suggest(visibility="public", name="The corner", stage="plan")
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE survey.submissions SET state = 'taken', decided_at = now() WHERE green_space_id = :id"
            ),
            {"id": into},
        )
        sent = session.execute(
            text("SELECT id FROM survey.submissions WHERE green_space_id = :id"), {"id": duplicate}
        ).scalar_one()
    outcome = f"/green-spaces/suggestions/{sent}"
    anybody = app.test_client()
    assert "Waiting for a reviewer" in anybody.get(outcome).text
    at = f"/review/{duplicate}/merge"
    versions = {"version": seen(database, duplicate).version, "into_version": seen(database, into).version}
    follow(reviewer, reviewer.post(at, f"{at}?into={into}", into=into, **versions))
    waiting = reviewer.get("/review?only=waiting").text
    assert f'/review/{into}"' not in waiting
    assert f'/review/{duplicate}"' not in waiting
    page = anybody.get(outcome).text
    assert "It became part of The corner" in page
    assert "Waiting for a reviewer" not in page
    removed = reviewer.get("/review/removed").text
    change = re.search(rf'{duplicate}.*?name="change" value="(\d+)"', removed, re.S)[1]
    follow(reviewer, reviewer.post("/review/removed", change=change))
    assert f'/review/{duplicate}"' in reviewer.get("/review?only=waiting").text
    assert "Waiting for a reviewer" in anybody.get(outcome).text


def test_no_nonsense_in_an_address_or_a_form_breaks_anything(suggest, reviewer):
    token = re.search(r'name="csrf_token" value="([^"]+)"', reviewer.get(f"/review/{suggest()}").text)[1]
    for form in ("stage", "publish", "due", "edit", "merge", "revert"):
        answer = reviewer.client.post(f"/review/%00/{form}", data={"csrf_token": token, "version": 1})
        assert answer.status_code == 404, form
    for form in ("comments", "watch", "confirm", "report"):
        given = {"csrf_token": token, "body": "x", "access": "open-to-all", "changed": "other"}
        assert reviewer.client.post(f"/green-spaces/%00/{form}", data=given).status_code == 404, form
    merging = f"/review/{suggest()}/merge"
    answer = reviewer.client.post(merging, data={"csrf_token": token, "into": "a\0b", "version": 1})
    assert answer.status_code == 400
    assert "There is no such green space" in answer.text
    assert reviewer.get(f"/review?page={'9' * 5000}").status_code == 404


def test_an_address_does_not_lead_to_what_they_may_not_see(database, suggest, reviewer, who):
    shared, secret, administrator = suggest(), suggest(visibility="council"), who("administrator")
    with database.session(administrator.actor) as session:
        versions = [read_space(session, each, administrator.sees).version for each in (shared, secret)]
        merge(session, shared, secret, administrator, tuple(versions))
    assert reviewer.get(f"/review/{shared}").status_code == 404
    assert reviewer.get(f"/green-spaces/{shared}").status_code == 404
    assert secret not in reviewer.get("/review/removed").text


def test_who_publishes_sees_at_the_button_just_what_words_everybody_reads_then(database, suggest, reviewer):
    words = {"opportunity": "Ring Joe on 020 7946 0000", "owner_note": "Says a sign", "access_note": "A gate"}
    space_id = suggest(**words, safety_note="Nettles", type="allotments")
    at = f"/review/{space_id}"
    box = re.search(r'id="to-publish">(.*?)</dl>', reviewer.get(at).text, re.S)[1]
    told = [re.sub(r"<[^>]+>", "", each).strip() for each in re.findall(r"<dd.*?</dd>", box, re.S)]
    assert told == [seen(database, space_id).name, words["access_note"], words["opportunity"]]
    assert "must not hold names or telephone numbers" in box
    follow(
        reviewer, reviewer.post(f"{at}/publish", at, version=seen(database, space_id).version, public="yes")
    )
    assert 'id="to-publish"' not in reviewer.get(at).text
    item = reviewer.get(f"/api/collections/potential-green-spaces/items/{space_id}").json["properties"]
    assert {*told} <= {*map(str, item.values())}
    assert not {"Says a sign", "Nettles"} & {*map(str, item.values())}


def test_the_second_to_publish_or_to_set_a_day_is_told(database, suggest, reviewer, signed_in):
    space_id, other = suggest(), signed_in("administrator")
    at, version = f"/review/{space_id}", seen(database, space_id).version
    follow(other, other.post(f"{at}/due", at, version=version, due_on="2026-12-24"))
    late = reviewer.post(f"{at}/due", at, version=version, due_on="2026-12-31")
    assert late.status_code == 409
    assert "Somebody else has changed this meanwhile" in late.text
    assert seen(database, space_id).values["due_on"] == "2026-12-24"
    follow(other, other.post(f"{at}/publish", at, version=version, public="yes"))
    published = seen(database, space_id).version
    follow(other, other.post(f"{at}/publish", at, version=published, public="no"))
    assert reviewer.post(f"{at}/publish", at, version=published, public="yes").status_code == 409
    assert seen(database, space_id).visibility == "network"


def test_nothing_leads_out_of_the_service(suggest, reviewer):
    space_id = suggest()
    at = f"/review/{space_id}"
    for outside in ("https://evil.example", "//evil.example", "/\\evil.example"):
        answer = reviewer.post(f"/green-spaces/{space_id}/watch", at, watch="yes", next=outside)
        assert answer.headers["Location"].startswith(f"/review/{space_id}?")
        page = reviewer.get(f"/review/{space_id}?next={outside}&done={outside}").text
        assert "evil.example" not in page.replace("lang=", "").split("<footer")[0]


def test_ids_of_others_and_of_nothing_are_alike(database, suggest, signed_in):
    hidden, north = suggest(visibility="council"), suggest(NORTH)
    reviewer = signed_in("reviewer")
    sent = submission_of(database, hidden)
    for path in (f"/review/{hidden}", "/review/no-such-space", f"/review/submissions/{sent}",
                 f"/review/submissions/{uuid.uuid4()}", f"/review/{hidden}/edit", "/review/%00",
                 f"/green-spaces/{hidden}/comments", "/green-spaces/no-such/comments"):  # fmt: skip
        assert reviewer.get(path).status_code == 404, path
    assert reviewer.get(f"/review/{north}").status_code == 403
    contributor = signed_in("contributor")
    for path in (f"/green-spaces/{north}/comments", "/green-spaces/no-such/comments"):
        assert contributor.get(path).status_code == 404, path


def test_a_report_is_taken_with_the_fields_it_changes_and_undone(database, suggest, reviewer):
    space_id = suggest()
    sent = submission_of(database, space_id, name="Its right name", note="I live there")
    at = f"/review/submissions/{sent}"
    page = reviewer.get(at).text
    assert "I live there" in page
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    given = {"version": version, "decide": "take", "take": "name", "new_name": "Its right name"}
    page = follow(reviewer, reviewer.post(at, **given))
    assert "It was taken" in page
    assert seen(database, space_id).values["name"] == "Its right name"
    assert seen(database, space_id).values["note"] is None
    again = reviewer.post(at, "/account", **given)
    assert again.status_code == 400
    assert "This was taken already" in again.text


def test_a_report_is_declined_with_a_reason_that_the_sender_reads(
    database, suggest, reviewer, signed_in, everybody
):
    space_id = suggest()
    sent = submission_of(database, space_id, by=everybody["contributor"], note="It is a car park")
    at = f"/review/submissions/{sent}"
    refused = reviewer.post(at, decide="decline", decline_reason=" ", version=1)
    assert refused.status_code == 400
    follow(reviewer, reviewer.post(at, decide="decline", decline_reason="I was there: it is not.", version=1))
    notices = signed_in("contributor").get("/notices").text
    assert "I was there: it is not." in notices
    assert f"/green-spaces/suggestions/{sent}" in notices


def test_a_confirmation_that_is_taken_dates_the_space(database, suggest, reviewer):
    space_id = suggest()
    sent = submission_of(database, space_id, kind="confirmation", access="open-to-all")
    at = f"/review/submissions/{sent}"
    follow(reviewer, reviewer.post(at, decide="take", version=seen(database, space_id).version))
    values = seen(database, space_id).values
    assert (values["confirmed_on"], values["access"]) == ("2026-11-01", "open-to-all")
    assert values["verified"]
    assert values["verified_fields"] == "access"


def test_a_duplicate_is_merged_its_address_leads_on_and_it_comes_back(database, suggest, reviewer):
    duplicate, into = suggest(visibility="public"), suggest(visibility="public")
    at = f"/review/{duplicate}/merge"
    assert "There is no such green space" in reviewer.get(f"{at}?into=no-such").text
    page = reviewer.get(f"{at}?into={into}").text
    shown = re.findall(r'name="((?:into_)?version)" value="(\d+)"', page)
    versions = dict(shown)
    merged = reviewer.post(at, f"{at}?into={into}", into=into, **versions)
    assert "They are one now" in follow(reviewer, merged)
    anybody = reviewer.client.application.test_client()
    for path in (f"/green-spaces/{duplicate}", f"/review/{duplicate}"):
        led = (anybody if path.startswith("/green") else reviewer).get(path)
        assert led.status_code == 301
        assert led.headers["Location"].endswith(into)
    assert anybody.get(f"/api/collections/potential-green-spaces/items/{duplicate}").status_code == 404
    page = reviewer.get("/review/removed").text
    change = re.search(rf'\({duplicate}\).*?name="change" value="(\d+)"', page, re.S)[1]
    assert "It is back" in follow(reviewer, reviewer.post("/review/removed", change=change))
    assert anybody.get(f"/green-spaces/{duplicate}").status_code == 200


def test_a_merge_can_be_undone_at_once_and_that_undoes_nothing_else(database, suggest, reviewer):
    duplicate, into = suggest(), suggest()
    at = f"/review/{into}"
    edited = {"note": "Keep this", "version": seen(database, into).version}
    follow(reviewer, reviewer.post(f"{at}/edit", **edited))
    merging = f"/review/{duplicate}/merge"
    page = reviewer.get(f"{merging}?into={into}").text
    versions = dict(re.findall(r'name="((?:into_)?version)" value="(\d+)"', page))
    page = follow(reviewer, reviewer.post(merging, f"{merging}?into={into}", into=into, **versions))
    undo = re.search(r'name="change" value="(\d+)"><button[^>]*>Undo', page)[1]
    answer = reviewer.post(f"{at}/revert", at, change=undo)
    assert "undo=" not in answer.headers["Location"], "the latest change of this space is another one"
    follow(reviewer, answer)
    assert seen(database, duplicate) is not None
    assert seen(database, into).values["note"] == "Keep this"


def test_taking_back_what_was_changed_since_asks_first(database, suggest, reviewer):
    space_id = suggest()
    form, at = f"/review/{space_id}/edit", f"/review/{space_id}"
    changes = []
    for given in ({"name": "One", "note": "One"}, {"name": "Two"}):
        reviewer.post(form, **given, version=seen(database, space_id).version)
        changes.append(seen(database, space_id).version)
    change = changes[0]
    asked = reviewer.post(f"{at}/revert", at, change=change)
    assert asked.status_code == 409
    assert "One" in asked.text
    assert "Two" in asked.text
    follow(reviewer, reviewer.post(f"{at}/revert", at, change=change, rest="yes"))
    assert (seen(database, space_id).values["name"], seen(database, space_id).values["note"]) == ("Two", None)


def test_comments_files_and_watching(app, database, suggest, reviewer, signed_in, tmp_path):
    space_id = suggest()
    at, talk = f"/review/{space_id}", f"/green-spaces/{space_id}"
    said = reviewer.post(f"{talk}/comments", at, body="Worth it")
    assert "Your comment was added" in follow(reviewer, said)
    told = follow(reviewer, reviewer.post(f"{talk}/comments", at, body="Ask @Xanthippe"))
    assert "@Xanthippe: nobody of that name may see this space" in told
    assert "nobody of that name" not in reviewer.get(at).text
    empty = reviewer.post(f"{talk}/comments", at, body=" ")
    assert empty.status_code == 400
    assert "Write something first" in empty.text
    assert "Stop watching it" in reviewer.get(at).text  # who says something follows it
    follow(reviewer, reviewer.post(f"{talk}/watch", at, watch="no"))
    pdf = io.BytesIO(b"%PDF-1.7 a plan")
    given = {"file": (pdf, "../../etc/passwd.exe"), "caption": "The plan"}
    page = follow(reviewer, reviewer.post(f"{talk}/files", at, **given))
    assert "passwd.pdf" in page
    file = re.search(r'href="(/files/[0-9a-f-]+)"', page)[1]
    sent = reviewer.get(file)
    assert sent.data == b"%PDF-1.7 a plan"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert signed_in("contributor").get(file).status_code == 404
    assert app.test_client().get(file).status_code == 404
    for content, name in (
        (b"<svg onload='alert(1)'/>\x00", "a.svg"),
        (b"", "a.pdf"),
        (b"\xff\xd8\xff\x00", "a.jpg"),
        (b"MZ\x90\x00\xff", "a.exe"),
        (b"%PDF-" + b"x" * (10 * 2**20), "long.pdf"),
    ):
        refused = reviewer.post(f"{talk}/files", at, file=(io.BytesIO(content), name))
        assert refused.status_code == 400, name
    remove = f"{talk}{file.replace('/files', '/files')}"
    assert "It was removed" in follow(reviewer, reviewer.post(remove, at, what="remove"))
    assert reviewer.get(file).status_code == 404


def test_notices_are_counted_in_the_header_and_read(database, suggest, reviewer, signed_in, everybody):
    space_id, watcher = suggest(), signed_in("administrator")
    watcher.post("/notices", "/account", up_to=10**17)
    watcher.post(f"/green-spaces/{space_id}/watch", f"/review/{space_id}", watch="yes")
    reviewer.post(f"/review/{space_id}/stage", f"/review/{space_id}", stage="checked-on-site",
                  version=seen(database, space_id).version)  # fmt: skip
    assert "Notices (1 new)" in watcher.get("/").text
    page = watcher.get("/notices").text
    assert "Moved from “Suggested” to “Checked on site” by a reviewer for South" in page
    assert "Ada reviewer" not in page
    one = re.search(r'name="notice" value="(\d+)"', page)[1]
    follow(watcher, watcher.post("/notices", notice=one))
    assert "new)" not in watcher.get("/").text


def test_pages_for_anybody_ask_nothing_about_notices(app, monkeypatch):
    def ask(*_):
        raise AssertionError

    monkeypatch.setattr("mapservice.web.survey.notices.count_unread", ask)
    assert app.test_client().get("/").status_code == 200


def test_the_space_page_leads_to_the_work_and_to_comments(suggest, signed_in, app):
    space_id = suggest(visibility="public")
    path = f"/green-spaces/{space_id}"
    assert f"/review/{space_id}" in signed_in("reviewer").get(path).text
    contributor = signed_in("contributor").get(path).text
    assert f"/review/{space_id}" not in contributor
    assert f"{path}/comments" in contributor
    assert f"{path}/comments" not in app.test_client().get(path).text


def test_accounts_are_found_only_by_the_name_they_chose(database, everybody, suggest, reviewer):
    with database.session("tests") as session:
        people.change_names(session, everybody["planner"], "Ada planner", "Plan Ner")
        assert find_account(session, everybody["planner"])
    page = reviewer.get(f"/review/{suggest()}").text
    assert "Plan Ner" in page
    assert "planner@example.org" not in page
    assert "Ada surveyor" not in page


def test_an_outline_is_drawn_and_of_two_who_draw_the_second_is_told(database, suggest, reviewer, signed_in):
    space_id, other = suggest(), signed_in("administrator")
    at, before = f"/review/{space_id}/outline", seen(database, space_id)
    assert 'name="geometry"' in reviewer.get(at).text
    (longitude, latitude), *_ = before.geometry["coordinates"][0][0]
    ring = [[longitude, latitude], [longitude + 0.001, latitude], [longitude, latitude + 0.001]]
    drawn = json.dumps({"type": "Polygon", "coordinates": [ring]})
    paris = json.dumps({"type": "Point", "coordinates": [2.35, 48.85]})
    for wrong in (drawn.replace("Polygon", "Cube"), SCRIPT, paris):
        refused = reviewer.post(at, geometry=wrong, version=before.version)
        assert refused.status_code == 400
        assert "<script>alert" not in refused.text
    page = follow(reviewer, reviewer.post(at, geometry=drawn, version=before.version))
    assert "Dashed: before. Solid: after." in page
    ring[1][0] += 0.0005
    again = json.dumps({"type": "Polygon", "coordinates": [ring]})
    late = other.post(at, geometry=again, version=before.version)
    assert late.status_code == 409
    assert "Somebody else has drawn it anew meanwhile" in late.text
    now = re.search(r'name="version" value="(\d+)"', late.text)[1]
    follow(other, other.post(at, geometry=again, version=now))


def test_the_working_page_shows_what_is_known_before_it_asks_to_decide(database, suggest, reviewer):
    space_id = suggest()
    submission_of(database, space_id, kind="space", opportunity="Sun all day")
    page = reviewer.get(f"/review/{space_id}").text
    parts = ("facts", "sent", "files", "moving", "comments", "history")
    order = [page.index(f'id="{part}"') for part in parts]
    assert order == sorted(order)
    assert page.index("Sun all day") < page.index('id="moving"')
    # Each part is one press away, and says how much there is in it; folded away but for what one came for.
    assert all(f'href="#{part}"' in page for part in parts)
    folds = re.findall(r'<details class="[^"]*app-part"( open)?>.*?<h2[^>]*>([^<]+)</h2>', page, re.S)
    assert folds == [
        ("", "What people sent (2)"),
        ("", "Photographs and evidence (0)"),
        ("", "Comments (0)"),
        ("", "History (1)"),
    ]
    assert "Title number" in re.search(r"Not known yet.*?</dd>", page, re.S)[0]
    for address, part in (("done=commented", "comments"), ("done=file", "files"), ("earlier=99", "history")):
        page = reviewer.get(f"/review/{space_id}?{address}").text
        opened = re.findall(r'app-part" open>.*?<div class="app-part__body" id="([^"]+)"', page, re.S)
        assert opened == [part], address


def test_more_than_the_next_step_or_a_step_back_is_asked_first(database, suggest, reviewer):
    space_id = suggest()
    at = f"/review/{space_id}"
    words = {"stage": "opened", "reason": "By the\nmayor", "opened_on": "2026-05-31", "access": "open-to-all"}
    given = {"version": seen(database, space_id).version, **words}
    asked = reviewer.post(f"{at}/stage", at, **given)
    assert asked.status_code == 200
    for stage in ("Checked on site", "Owner contacted", "Plan being made"):
        assert re.search(rf"{stage}</strong>: nobody has noted", asked.text)
    assert seen(database, space_id).stage == "suggested"
    sent = {name: hidden(asked.text, name) for name in given}
    assert {**sent, "version": int(sent["version"])} == given  # no word of it is lost
    again = reviewer.post(f"{at}/stage", at, **given, sure="no").text
    assert re.search(r'value="opened" checked', again)
    assert "mayor" in again
    page = follow(reviewer, reviewer.post(f"{at}/stage", at, **given, sure="yes"))
    assert "It was moved" in page
    back = {"stage": "checked-on-site", "reason": "A mistake", "version": seen(database, space_id).version}
    asked = reviewer.post(f"{at}/stage", at, **back)
    assert "That would be a step back" in asked.text
    assert "no longer an existing green space" in asked.text
    assert seen(database, space_id).stage == "opened"
    page = follow(reviewer, reviewer.post(f"{at}/stage", at, **back, sure="yes"))
    assert re.search(r'role="status".*?value="(\d+)"><button[^>]*>Undo', page, re.S)
    assert "It was moved" in follow(
        reviewer,
        reviewer.post(f"{at}/stage", at, stage="owner-contacted", version=seen(database, space_id).version),
    )


def test_a_note_says_that_nobody_confirmed_it_only_until_somebody_did(database, suggest, reviewer):
    note = "Open at all hours. Not confirmed."
    values = {"visibility": "public", "access": "open-to-all", "access_note": note, "status": "existing"}
    space_id = suggest(**values, stage=None)
    public, at = f"/green-spaces/{space_id}", f"/review/{space_id}"
    assert note in reviewer.get(public).text
    assert "Take “Not confirmed” out" not in reviewer.get(at).text
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET confirmed_on = '2026-11-02', verified = true WHERE id = :id"
            ),
            {"id": space_id},
        )
    page = reviewer.get(public).text
    assert "Open at all hours. Who may go in was checked on 2 November 2026; these words were not." in page
    assert "Not confirmed" not in page
    assert "Last confirmed on 2 November 2026" in page
    page = reviewer.get(at).text
    form = re.search(rf'action="{at}/edit".*?</form>', page, re.S)[0]
    settled = {name: hidden(form, name) for name in ("version", "access_note")}
    assert "Your changes were saved" in follow(reviewer, reviewer.post(f"{at}/edit", at, **settled))
    assert seen(database, space_id).values["access_note"] == "Open at all hours."
    assert "these words were not" not in reviewer.get(public).text
