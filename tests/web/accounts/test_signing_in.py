"""Signing in and out: who is let in, what a cookie is worth, and what nobody finds out."""

import re
import time

import pytest
from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.passwords import verify_password
from tests.support import eventually

WRONG = "do not belong together"


def rows(app, statement, **given):
    with app.extensions["database"].session("tests") as session:
        result = session.execute(text(statement), given)
        return result.all() if result.returns_rows else []


@pytest.mark.parametrize("name", ["contributor@example.org", "  Contributor@Example.ORG ", "contributor"])
def test_with_the_address_or_the_user_name_however_written(browse, everybody, name):
    browser = browse()
    answer = browser.sign_in(name)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    page = browser.get("/account")
    assert page.status_code == 200
    assert "Signed in as" in page.text
    assert "Ada contributor" in page.text


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(signed_in):
    browser = signed_in("contributor")
    kept = browser.cookie
    assert browser.post("/sign-out", form="/account").status_code == 303
    assert browser.get("/account").status_code == 303
    browser.client.set_cookie("session", kept)
    assert browser.get("/account").headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "name", ["nobody@example.org", "contributor@example.org", "'; DROP TABLE x; --", "\x00"]
)
def test_wrong_names_and_wrong_passwords_get_the_same_answer(browse, everybody, name):
    answer = browse().sign_in(name, "walnut tram orbit lamp")
    assert answer.status_code in (400, 401)
    if name.strip("\x00"):
        assert WRONG in answer.text
        assert re.sub(r'value="[^"]*"', "", answer.text) == re.sub(
            r'value="[^"]*"', "", browse().sign_in("other@example.org", "something else").text
        )


def test_an_unknown_name_takes_as_long_as_a_wrong_password(browse, everybody):
    def spent(name):
        browser = browse()
        browser.get("/sign-in")
        start = time.process_time()
        browser.sign_in(name, "not the password")
        return time.process_time() - start

    pairs = [(spent("contributor"), spent("nobody-of-this-name")) for _ in range(5)]
    known, unknown = (sorted(times)[2] for times in zip(*pairs, strict=True))
    # One Argon2 each: without it, the unknown name would answer in a fraction.
    assert 0.5 < unknown / known < 2


def test_no_fixation_a_cookie_from_before_opens_nothing_afterwards(browse, everybody):
    browser, thief = browse(), browse()
    browser.get("/sign-in")
    planted = browser.cookie
    browser.sign_in("contributor")
    assert browser.cookie != planted
    thief.client.set_cookie("session", planted)
    assert thief.get("/account").status_code == 303
    first = browser.cookie
    browser.post("/sign-out", form="/account")
    browser.sign_in("contributor")
    thief.client.set_cookie("session", first)
    assert thief.get("/account").status_code == 303


@pytest.mark.parametrize("forged", ["", "x", "eyJlbnRyeSI6IngifQ.aSIt.forged", "=" * 4000, "\x7f"])
def test_forged_cookies_open_nothing(browse, forged):
    browser = browse()
    browser.client.set_cookie("session", forged)
    assert browser.get("/account").headers["Location"].startswith("/sign-in")


def test_who_knows_the_secret_key_still_knows_no_session(app, browse):
    serializer = app.session_interface.get_signing_serializer(app)
    for entry in ("x" * 43, 7, None, ["a"], "x" * 100_000):
        browser = browse()
        browser.client.set_cookie("session", serializer.dumps({"entry": entry}))
        assert browser.get("/account").status_code == 303


def test_sessions_are_kept_as_hashes_and_passwords_as_argon2(app, signed_in):
    browser = signed_in("contributor")
    with browser.client.session_transaction() as cookie:
        secret = cookie["entry"]
    assert secret not in str(rows(app, "SELECT * FROM accounts.sessions"))
    kept = rows(app, "SELECT password_hash FROM accounts.accounts WHERE user_name = 'contributor'")[0][0]
    assert kept.startswith("$argon2id$v=19$")


def test_sessions_expire_when_idle_and_at_last(app, signed_in):
    for ago in ("last_seen_at = now() - interval '73 hours'", "expires_at = now() - interval '1 second'"):
        browser = signed_in("contributor")
        assert browser.get("/account").status_code == 200
        rows(app, f"UPDATE accounts.sessions SET {ago}")
        assert browser.get("/account").status_code == 303


def test_a_hash_made_with_other_parameters_is_made_anew(app, browse, everybody):
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("walnut tram orbit lantern")
    rows(app, "UPDATE accounts.accounts SET password_hash = :old WHERE user_name = 'planner'", old=old)
    assert browse().sign_in("planner").status_code == 303
    new = rows(app, "SELECT password_hash FROM accounts.accounts WHERE user_name = 'planner'")[0][0]
    assert new != old
    assert "m=19456,t=2,p=1" in new
    assert verify_password(new, "walnut tram orbit lantern")


@pytest.mark.parametrize(
    "wanted, gone_to",
    [
        ("/people?x=1", "/people?x=1"),
        ("https://evil.example", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("\\\\evil.example", "/account"),
        ("/\t/evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("evil.example", "/account"),
        ("///evil.example", "/account"),
        ("/x\r\nLocation: https://evil.example", "/account"),
        ("http:evil.example", "/account"),
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(browse, everybody, wanted, gone_to):
    browser = browse()
    assert browser.sign_in("administrator", next=wanted).headers["Location"] == gone_to
    assert browser.get("/sign-in", query_string={"next": wanted}).headers["Location"] == gone_to


def test_after_signing_in_one_is_where_one_wanted_to_be(browse, everybody):
    browser = browse()
    asked = browser.get("/account/export?a=b")
    assert asked.headers["Location"] == "/sign-in?next=/account/export?a%3Db"
    assert 'name="next" value="/account/export?a=b"' in browser.get(asked.headers["Location"]).text


def test_guessing_takes_longer_and_longer_and_shuts_out_nobody_else(app, browse, everybody):
    guesser, owner = browse(), browse()
    for _ in range(5):
        assert guesser.sign_in("surveyor", "wrong password").status_code == 401
    late = guesser.sign_in("surveyor")
    assert late.status_code == 429
    assert "too many attempts" in late.text
    assert owner.sign_in("surveyor").status_code == 303
    # The wait of unknown names is the same: it tells nothing either.
    for _ in range(5):
        assert guesser.sign_in("nobody", "wrong password").status_code == 401
    assert guesser.sign_in("nobody", "wrong password").status_code == 429
    waits = []
    for _ in range(3):
        rows(app, "UPDATE accounts.attempts SET blocked_until = now()")
        assert guesser.sign_in("surveyor", "wrong password").status_code == 401
        waits.append(rows(app, "SELECT max(blocked_until - now()) FROM accounts.attempts")[0][0].seconds)
    assert waits == sorted(waits)
    assert waits[2] > 2 * waits[0]
    rows(app, "UPDATE accounts.attempts SET blocked_until = now()")
    assert guesser.sign_in("surveyor").status_code == 303


def test_addresses_and_names_are_not_kept_with_attempts(app, browse, everybody):
    browse(address="203.0.113.77").sign_in("surveyor", "wrong password")
    kept = str(rows(app, "SELECT * FROM accounts.attempts"))
    assert "203.0.113.77" not in kept
    assert "surveyor" not in kept


def test_a_hundred_guesses_at_the_same_time_are_not_one(app, everybody):
    from concurrent.futures import ThreadPoolExecutor

    from mapservice.accounts import attempts

    database = app.extensions["database"]

    def guess(_):
        try:
            with database.session("tests") as session:
                attempts.attempt(session, "k" * 40, attempts.PASSWORD, "many", "at once")
        except attempts.TooMany:
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(guess, range(40))) == attempts.PASSWORD.free


@pytest.mark.parametrize("way", ["nothing", "forged", "of another browser"])
def test_a_form_without_its_token_changes_nothing(app, browse, signed_in, way):
    browser = signed_in("administrator")
    fields = {"name": "Mallory", "email": "mallory@example.org", "grant": "administrator"}
    if way != "nothing":
        other = re.search(r'csrf_token" value="([^"]+)"', browse().get("/sign-in").text)[1]
        fields["csrf_token"] = other if way == "of another browser" else "x.y.z"
    answer = browser.client.post("/people", data=fields)
    assert answer.status_code == 400
    assert "can no longer be sent" in answer.text
    assert rows(app, "SELECT count(*) FROM accounts.accounts WHERE email = 'mallory@example.org'") == [(0,)]


def test_what_is_for_one_person_is_kept_by_nobody(browse, signed_in):
    browser = signed_in("planner")
    for path in ("/", "/account", "/map", "/api/collections", "/api/collections/libraries/items?limit=1"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store", path
        assert "Cookie" in answer.headers["Vary"], path
    assert "no-store" not in browse().get("/").headers.get("Cache-Control", "")


def test_an_answer_kept_for_one_is_not_given_to_another(app, browse, signed_in):
    rows(
        app,
        "UPDATE register.assets SET visibility = 'council' WHERE id = 'finsbury-library'",
    )
    items = "/api/collections/libraries/items?limit=1000"
    stranger, planner = browse(), signed_in("planner")
    for _ in range(2):
        assert "finsbury-library" in planner.get(items).text
        assert "finsbury-library" not in stranger.get(items).text
    assert planner.get("/assets/finsbury-library").status_code == 200
    assert stranger.get("/assets/finsbury-library").status_code == 404


def test_a_session_reads_the_api_and_changes_nothing_there(signed_in):
    planner = signed_in("planner")
    answer = planner.client.post("/api/collections/libraries/items", json={"type": "Feature"})
    assert answer.status_code == 401


def test_cookies_are_as_narrow_as_can_be(settings, database, front_end, browse):
    from mapservice import create_app

    cookie = browse().get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    strict = create_app(settings.model_copy(update={"public_url": "https://maps.example.org"}), database)
    cookie = strict.test_client().get("/sign-in", base_url="https://maps.example.org").headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_stranger_gets_no_cookie_for_looking_around(browse):
    for path in ("/", "/find", "/map", "/api/collections"):
        assert "Set-Cookie" not in browse().get(path).headers


def test_a_link_for_a_forgotten_password(app, browse, settings, signed_in):
    elsewhere = signed_in("reviewer")
    mail = settings.var_dir / "mail"
    before = {*mail.glob("*.eml")}
    for address in ("reviewer@example.org", "nobody@example.org"):
        answer = browse().post("/forgot", email=address)
        assert "If there is an account" in answer.text
    assert eventually(lambda: {*mail.glob("*.eml")} - before, 10)
    (letter,) = {*mail.glob("*.eml")} - before
    assert letter.stat().st_mode & 0o777 == 0o600
    said = letter.read_text()
    assert "To: reviewer@example.org" in said
    key = re.search(r"key=3D([\w=\n-]+?)\n\n|key=([\w-]+)", said)
    secret = (key[1] or key[2]).replace("=\n", "")
    browser = browse()
    page = browser.get(f"/set-password?key={secret}")
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    where = f"/set-password?key={secret}"
    refused = browser.post("/set-password", form=where, key=secret, password="password1234")
    assert refused.status_code == 400
    assert "common password" in refused.text
    new = "gravel piano eleven moth"
    assert browser.post("/set-password", form=where, key=secret, password=new).status_code == 303
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303, "a new password ends what went before"
    assert browse().get(where).status_code == 404, "a link works once"
    assert browse().sign_in("reviewer").status_code == 401
    assert browse().sign_in("reviewer", new).status_code == 303
    with app.extensions["database"].session("tests") as session:
        person = people.find_by_sign_in_name(session, "reviewer")
        people.set_password(session, person.id, "walnut tram orbit lantern")


def test_a_link_too_old_or_of_a_disabled_account_opens_nothing(app, browse, everybody):
    from mapservice.accounts.links import make_link

    with app.extensions["database"].session("tests") as session:
        old = make_link(session, everybody["contributor"], "new-password")
    assert browse().get(f"/set-password?key={old}").status_code == 200
    rows(app, "UPDATE accounts.links SET expires_at = now()")
    assert browse().get(f"/set-password?key={old}").status_code == 404
    for forged in ("", "x", "x" * 5000, "\x00"):
        assert browse().get("/set-password", query_string={"key": forged}).status_code == 404
