"""Who there is: invitations, roles, letting in no more; everything recorded."""

import re

import pytest
from sqlalchemy import text

from tests.web.conftest import PASSWORD


def query(app, statement, **given):
    with app.extensions["database"].session("tests") as session:
        return session.execute(text(statement), given).all()


def invite(administrator, **fields):
    return administrator.post("/people", **{"name": "Flo", "grant": "contributor", **fields})


def link_in(answer):
    return re.search(r"/set-password\?key=[\w-]{43}", answer.text)[0]


def test_from_the_invitation_to_the_first_visit(app, browse, signed_in):
    administrator = signed_in("administrator")
    answer = invite(administrator, email="Flo@Example.org", grant=["surveyor@south", "surveyor@north"])
    link = link_in(answer)
    assert "http" in re.search(r"<code[^>]*>([^<]*)", answer.text)[1]
    assert link.split("=")[1] not in str(query(app, "SELECT * FROM accounts.links"))
    flo = browse()
    assert "Welcome, Flo" in flo.get(link).text
    assert flo.get(link).headers["Referrer-Policy"] == "no-referrer"
    answer = flo.post("/set-password", form=link, key=link.split("=")[1], password=PASSWORD)
    assert answer.headers["Location"] == "/account"
    assert "Surveyor for North, Surveyor for South" in flo.get("/account").text
    assert flo.get("/people").status_code == 403
    assert flo.get(link).status_code == 404
    page = administrator.get("/people").text
    assert "flo@example.org" in page
    account_id = re.search(r'href="/people/(person-[0-9a-f]{12})">Flo<', page)[1]
    assert "link made: invitation" in administrator.get(f"/people/{account_id}").text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " ", "email": "a@example.org"},
        {"email": "", "user_name": ""},
        {"email": "no address"},
        {"email": "a@b@example.org"},
        {"email": "a" * 250 + "@example.org"},
        {"email": "administrator@example.org"},
        {"user_name": "planner"},
        {"user_name": "Not A Name"},
        {"email": "a@example.org", "grant": []},
        {"email": "a@example.org", "grant": "king"},
        {"email": "a@example.org", "grant": "planner@south"},
        {"email": "a@example.org", "grant": "reviewer@atlantis"},
    ],
    ids=str,
)
def test_what_is_wrong_with_an_invitation_is_said(app, signed_in, fields):
    before = query(app, "SELECT count(*) FROM accounts.accounts")
    answer = invite(signed_in("administrator"), **fields)
    assert answer.status_code == 400
    assert "There is a problem" in answer.text
    assert query(app, "SELECT count(*) FROM accounts.accounts") == before


def test_roles_change_at_once_also_in_the_middle_of_a_session(app, browse, signed_in, everybody):
    administrator, reviewer = signed_in("administrator"), signed_in("reviewer")
    assert reviewer.get("/people").status_code == 403
    where = f"/people/{everybody['reviewer']}"
    assert administrator.post(f"{where}/roles", form=where, grant=["administrator"]).status_code == 303
    assert reviewer.get("/people").status_code == 200
    assert administrator.post(f"{where}/roles", form=where, grant=["reviewer@south"]).status_code == 303
    assert reviewer.get("/people").status_code == 403
    ((actor, detail),) = query(
        app,
        "SELECT actor, detail FROM accounts.events WHERE account_id = :id AND action = 'grants changed'"
        " ORDER BY id DESC LIMIT 1",
        id=everybody["reviewer"],
    )
    assert actor == everybody["administrator"]
    assert detail == {"before": ["administrator"], "now": ["reviewer@south"]}


def test_who_is_disabled_is_out_at_once(app, browse, signed_in, everybody):
    administrator, planner = signed_in("administrator"), signed_in("planner")
    wanted = {"label": "x", "scope": "write", "token_current": PASSWORD}
    token = planner.post("/account/tokens", form="/account", **wanted)
    headers = {"Authorization": "Bearer " + re.search(r"ms_[\w-]{43}", token.text)[0]}
    where = f"/people/{everybody['planner']}"
    assert administrator.post(f"{where}/disable", form=where).status_code == 303
    assert planner.get("/account").status_code == 303
    assert app.test_client().get("/api/collections", headers=headers).status_code == 401
    assert browse().sign_in("planner").status_code == 401
    assert "Disabled" in administrator.get("/people").text
    assert administrator.post(f"{where}/enable", form=where).status_code == 303
    assert planner.get("/account").status_code == 303, "a session that ended stays ended"
    assert browse().sign_in("planner").status_code == 303


def test_an_administrator_makes_a_link_for_who_forgot_and_signs_people_out(browse, signed_in, everybody):
    administrator, surveyor = signed_in("administrator"), signed_in("surveyor")
    where = f"/people/{everybody['surveyor']}"
    first = link_in(administrator.post(f"{where}/link", form=where))
    second = link_in(administrator.post(f"{where}/link", form=where))
    assert browse().get(first).status_code == 404, "a new link ends the one before"
    assert browse().get(second).status_code == 200
    assert surveyor.get("/account").status_code == 200, "until it is used nothing changes"
    administrator.post(f"{where}/sign-out", form=where)
    assert surveyor.get("/account").status_code == 303


@pytest.mark.parametrize("who", ["nobody", "person-000000000000", "%00", "ada", "' OR 1=1"])
def test_there_is_no_page_for_who_is_not_there(signed_in, who):
    assert signed_in("administrator").get(f"/people/{who}").status_code == 404


def test_the_record_names_nobody(app, signed_in, everybody):
    invite(signed_in("administrator"), name="Hortensia Rareperson", email="hortensia@example.org")
    record = str(query(app, "SELECT * FROM accounts.events")).lower()
    for telling in ("hortensia", "ada ", "example.org", "198.51.100"):
        assert telling not in record


def test_the_record_cannot_be_changed_by_the_application(app):
    for statement in ("UPDATE accounts.events SET action = 'x'", "DELETE FROM accounts.events"):
        with pytest.raises(Exception, match="permission denied"):
            query(app, f"{statement} RETURNING 1")


def test_an_error_of_the_database_does_not_repeat_what_it_was_given(app):
    with pytest.raises(Exception, match="division by zero") as raised:
        query(app, "SELECT 1 / length(replace(:name, :name, ''))", name="Hortensia")
    assert "Hortensia" not in str(raised.value)
