"""One's own account: names, password, second factor, sessions, tokens; to take along, to have forgotten."""

import re

import pyotp
import pytest
from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.account import A_RESIDENT, names_shown
from mapservice.accounts.permissions import parse_grants
from tests.support import eventually
from tests.web.conftest import PASSWORD


@pytest.fixture
def somebody(app, browse):
    """A function that makes a person with some roles; gives their id and a browser that they use."""

    def make(*roles, name="Eve Example", user_name="eve"):
        with app.extensions["database"].session("tests") as session:
            old = people.find_by_sign_in_name(session, user_name)
            if old:
                people.erase(session, old.id)
            account_id = people.add_person(
                session,
                name,
                parse_grants(roles or ["contributor"]),
                user_name=user_name,
                email=f"{user_name}@example.org",
            )
            people.set_password(session, account_id, PASSWORD)
        browser = browse()
        assert browser.sign_in(user_name).status_code == 303
        return account_id, browser

    return make


def query(app, statement, **given):
    with app.extensions["database"].session("tests") as session:
        return session.execute(text(statement), given).all()


def test_others_see_a_resident_unless_one_chooses_otherwise(app, somebody):
    account_id, browser = somebody()

    def shown():
        with app.extensions["database"].session("tests") as session:
            return names_shown(session, [account_id])[account_id]

    assert shown() == A_RESIDENT
    browser.post("/account/names", form="/account", name="Eve Example", shown="name", public_name="Eve of N1")
    assert shown() == "Eve of N1"
    browser.post("/account/names", form="/account", name="Eve", shown="resident", public_name="Eve of N1")
    assert shown() == A_RESIDENT
    assert "Eve</a>" in browser.get("/account").text
    for bad in ({"name": " "}, {"name": "x" * 81}, {"name": "Eve", "shown": "name", "public_name": " "}):
        assert browser.post("/account/names", form="/account", **bad).status_code == 400


def test_what_one_writes_of_oneself_is_no_markup(somebody):
    _, browser = somebody(name="<script>alert(1)</script>")
    browser.post("/account/names", form="/account", name='"><img src=x>', shown="name", public_name="<b>x")
    page = browser.get("/account").text
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "<b>x" not in page


def test_a_new_password_for_who_knows_the_old_one_ends_other_sessions(app, browse, somebody):
    _, browser = somebody()
    other = browse()
    other.sign_in("eve")
    new = "gravel piano eleven moth"
    for current, password, status in [
        ("wrong", new, 403),
        (PASSWORD, "short", 400),
        (PASSWORD, "eve@example.org", 400),
    ]:
        answer = browser.post("/account/password", form="/account", current=current, password=password)
        assert answer.status_code == status
    assert other.get("/account").status_code == 200
    assert (
        browser.post("/account/password", form="/account", current=PASSWORD, password=new).status_code == 303
    )
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert browse().sign_in("eve").status_code == 401
    assert browse().sign_in("eve", new).status_code == 303


def test_sessions_are_listed_and_ended(browse, somebody):
    _, browser = somebody()
    others = [
        browse(agent="Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36") for _ in range(2)
    ]
    for other in others:
        other.sign_in("eve")
    page = browser.get("/account").text
    assert page.count("Chrome on Android, since") == 2
    assert "Firefox on Linux" in page
    number = re.search(r'name="session" value="(\d+)"', page)[1]
    browser.post("/account/sessions", form="/account", session=number)
    assert sorted(other.get("/account").status_code for other in others) == [200, 303]
    browser.post("/account/sessions", form="/account")
    assert [other.get("/account").status_code for other in others] == [303, 303]
    assert browser.get("/account").status_code == 200


def test_nobody_ends_the_session_or_token_of_another(app, signed_in, somebody):
    account_id, browser = somebody()
    browser.post("/account/tokens", form="/account", label="mine", token_current=PASSWORD)
    mallory = signed_in("contributor")
    ((session,),) = query(app, "SELECT id FROM accounts.sessions WHERE account_id = :id", id=account_id)
    ((token,),) = query(app, "SELECT id FROM accounts.tokens WHERE account_id = :id", id=account_id)
    mallory.post("/account/sessions", form="/account", session=str(session))
    assert mallory.post(f"/account/tokens/{token}/revoke", form="/account").status_code == 404
    assert browser.get("/account").status_code == 200
    assert query(app, "SELECT revoked_at FROM accounts.tokens WHERE id = :id", id=token) == [(None,)]


def test_tokens_are_shown_once_do_what_they_may_and_end(app, somebody):
    account_id, browser = somebody("planner")
    made = {}
    for scope in ("read", "write"):
        wanted = {"label": f"to {scope}", "scope": scope, "days": "90", "token_current": PASSWORD}
        answer = browser.post("/account/tokens", form="/account", **wanted)
        made[scope] = re.search(r"ms_[\w-]{43}", answer.text)[0]
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert made[scope] not in browser.get("/account").text
    assert not any(token in str(query(app, "SELECT * FROM accounts.tokens")) for token in made.values())
    client, items = app.test_client(), "/api/collections/libraries/items"
    for scope, status in (("read", 403), ("write", 422)):
        headers = {"Authorization": f"Bearer {made[scope]}"}
        assert client.get(f"{items}?limit=1", headers=headers).status_code == 200
        assert client.post(items, json={"type": "Feature"}, headers=headers).status_code == status
    with app.extensions["database"].session("tests") as session:
        people.change_grants(session, account_id, parse_grants(["contributor"]))
    late = client.post(items, json={"type": "Feature"}, headers={"Authorization": f"Bearer {made['write']}"})
    assert late.status_code == 403, "who is a planner no longer writes no longer"
    number = re.search(r"/account/tokens/(\d+)/revoke", browser.get("/account").text)[1]
    assert browser.post(f"/account/tokens/{number}/revoke", form="/account").status_code == 303
    headers = {"Authorization": f"Bearer {made['write']}"}
    assert client.get(f"{items}?limit=1", headers=headers).status_code == 401


def test_a_token_is_for_who_knows_the_password_and_its_owner_is_told(app, settings, somebody):
    account_id, browser = somebody(user_name="told")
    mail = settings.var_dir / "mail"
    before = {*mail.glob("*.eml")}
    made = "SELECT count(*) FROM accounts.tokens WHERE account_id = :id"
    for given in ({}, {"token_current": "wrong"}):
        answer = browser.post("/account/tokens", form="/account", label="for QGIS", **given)
        assert answer.status_code == 403
        assert "This is not your password." in answer.text
    assert query(app, made, id=account_id) == [(0,)]
    browser.post("/account/tokens", form="/account", label="for QGIS", token_current=PASSWORD)
    assert query(app, made, id=account_id) == [(1,)]
    assert eventually(lambda: {*mail.glob("*.eml")} - before, 10)
    (letter,) = {*mail.glob("*.eml")} - before
    assert "To: told@example.org" in letter.read_text()
    assert "for QGIS" in letter.read_text()
    assert "ms_" not in letter.read_text()


def test_a_new_password_ends_all_tokens(app, somebody):
    _, browser = somebody("planner")
    page = browser.post("/account/tokens", form="/account", label="x", token_current=PASSWORD).text
    headers = {"Authorization": "Bearer " + re.search(r"ms_[\w-]{43}", page)[0]}
    items = "/api/collections/libraries/items?limit=1"
    assert app.test_client().get(items, headers=headers).status_code == 200
    new = "gravel piano eleven moth"
    browser.post("/account/password", form="/account", current=PASSWORD, password=new)
    assert app.test_client().get(items, headers=headers).status_code == 401


def test_who_may_not_edit_gets_no_token_to_write(somebody):
    _, browser = somebody("reviewer")
    assert browser.post("/account/tokens", form="/account", label="x", scope="write").status_code == 403
    assert browser.post("/account/tokens", form="/account", label=" ").status_code == 400


def test_the_second_factor_from_turning_on_to_losing_the_phone(app, browse, somebody):
    account_id, browser = somebody()
    page = browser.get("/account/second-factor").text
    assert 'src="data:image/png;base64,' in page
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", page)[1]
    assert secret in browser.get("/account/second-factor").text, "loading the page twice changes nothing"
    assert secret not in str(query(app, "SELECT second_factor::text FROM accounts.accounts"))
    totp = pyotp.TOTP(secret)
    where = "/account/second-factor"
    assert browser.post(where, code="000000", current=PASSWORD).status_code == 400
    assert browser.post(where, code=totp.now(), current="wrong").status_code == 403
    used = totp.now()
    answer = browser.post(where, code=used, current=PASSWORD)
    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", answer.text)
    assert len(set(codes)) == 10
    assert codes[0] not in str(query(app, "SELECT * FROM accounts.recovery_codes"))

    other = browse()
    assert (
        other.sign_in("eve", next="/account/erase").headers["Location"] == "/sign-in/code?next=/account/erase"
    )
    assert other.get("/account").status_code == 303, "the password alone lets nobody in"
    assert other.post("/sign-in/code", code=used).status_code == 401, "a code counts once"
    half = other.cookie
    answer = other.post(
        "/sign-in/code", form="/sign-in/code?next=/account/erase", code=codes[0].upper(), next="/account"
    )
    assert answer.status_code == 303
    assert other.get("/account").status_code == 200
    assert other.cookie != half
    again = browse()
    again.sign_in("eve")
    assert again.post("/sign-in/code", code=codes[0]).status_code == 401, "a recovery code counts once"
    for _ in range(4):
        again.post("/sign-in/code", code="123456")
    assert again.post("/sign-in/code", code=codes[1]).status_code == 429, "codes cannot be guessed in a row"
    query(app, "DELETE FROM accounts.attempts RETURNING 1")
    assert other.post("/account/second-factor/off", form=where, current="wrong").status_code == 403
    assert other.post("/account/second-factor/off", form=where, current=PASSWORD).status_code == 303
    assert browse().sign_in("eve").headers["Location"] == "/account"
    actions = {
        row[0]
        for row in query(app, "SELECT action FROM accounts.events WHERE account_id = :id", id=account_id)
    }
    assert {"second factor on", "recovery code used", "second factor off", "signed in"} <= actions


def test_all_that_is_known_of_one_can_be_taken_along(app, somebody):
    account_id, browser = somebody("planner")
    browser.post("/account/tokens", form="/account", label="for QGIS", token_current=PASSWORD)
    with app.extensions["database"].session(account_id) as session:
        session.execute(text("UPDATE register.assets SET name = name || ' ' WHERE id = 'archway-library'"))
    answer = browser.get("/account/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-account.json"'
    found = answer.get_json()
    assert found["account"]["email"] == "eve@example.org"
    assert found["roles"] == [{"role": "planner", "locality": None, "given_by": "administrator"}]
    assert found["tokens"][0]["label"] == "for QGIS"
    assert found["changes"][0]["table_name"] == "assets"
    assert {"account made", "signed in", "token made"} <= {event["action"] for event in found["events"]}
    assert "argon2" not in answer.text
    assert "sha256" not in answer.text


def test_an_erased_person_leaves_contributions_and_no_trace(app, browse, somebody):
    account_id, browser = somebody("planner", name="Zebedee Unmistakable", user_name="zebedee")
    with app.extensions["database"].session(account_id) as session:
        session.execute(text("UPDATE register.assets SET name = name || '!' WHERE id = 'archway-library'"))
    assert browser.post("/account/erase", current="wrong").status_code == 403
    answer = browser.post("/account/erase", current=PASSWORD)
    assert "Your account was removed" in answer.text
    assert "Signed in as" not in answer.text
    assert browser.get("/account").status_code == 303
    assert browse().sign_in("zebedee").status_code == 401
    assert query(app, "SELECT count(*) FROM history.changes WHERE actor = :id", id=account_id) == [(1,)]
    with app.extensions["database"].session("tests") as session:
        assert names_shown(session, [account_id]) == {account_id: A_RESIDENT}
    with app.extensions["database"].owner.connect() as connection:
        tables = connection.execute(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('accounts', 'history')"
            )
        ).scalars()
        for table in tables.all():
            rows = connection.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert not any("zebedee" in row.lower() for row in rows), table
        kept = connection.execute(
            text("SELECT count(*) FROM accounts.sessions WHERE account_id = :id"), {"id": account_id}
        ).scalar()
    assert kept == 0


def test_the_last_administrator_stays(app, browse, signed_in, everybody):
    administrator = signed_in("administrator")
    assert administrator.post("/account/erase", current=PASSWORD).status_code == 409
    where = f"/people/{everybody['administrator']}"
    assert administrator.post(f"{where}/disable", form=where).status_code == 409
    assert administrator.post(f"{where}/roles", form=where, grant="planner").status_code == 409
    assert administrator.get("/people").status_code == 200


def test_who_cannot_sign_in_is_no_administrator_to_fall_back_on(app, signed_in, everybody):
    administrator = signed_in("administrator")
    with app.extensions["database"].session("tests") as session:
        invited, _ = people.invite(session, "Late", parse_grants(["administrator"]), user_name="late")
    where = f"/people/{everybody['administrator']}"
    assert administrator.post(f"{where}/disable", form=where).status_code == 409
    where = f"/people/{invited}"
    assert administrator.post(f"{where}/disable", form=where).status_code == 303


def test_an_administrator_is_told_the_next_step(somebody):
    _, administrator = somebody("administrator")
    page = administrator.get("/account").text
    assert "Invite your team" in page
    assert page.index('href="/people"') < page.index("Names")
    assert "/review" in page
    _, contributor = somebody("contributor")
    page = contributor.get("/account").text
    assert "Invite your team" not in page
    assert "/review" not in page
    assert "/notices" in page


def test_the_pages_of_an_account_are_in_the_language_of_the_page(somebody):
    account_id, administrator = somebody("administrator")
    for path in ("/account", "/account/erase", "/account/second-factor", "/people", f"/people/{account_id}"):
        answer = administrator.get(f"{path}?lang=en-XA")
        assert answer.status_code == 200, path
        headings = re.findall(r"<h[12][^>]*>\s*([^<]+?)\s*</h[12]>", answer.text)
        plain = [text for text in headings if text.isascii() and text != "Eve Example"]
        assert len(headings) > len(plain) == 0, (path, plain)


def test_the_boxes_for_names_hold_names(app, somebody):
    box = re.compile(r'<input class="govuk-input"[^>]*id="name"[^>]*>')
    _, browser = somebody("administrator", name="Ada Example")
    assert 'value="Ada Example"' in box.search(browser.get("/account").text)[0]
    empty = box.search(browser.get("/people").text)[0]
    assert "value=" not in empty or 'value=""' in empty
