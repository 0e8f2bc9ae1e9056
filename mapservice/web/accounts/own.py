"""One's own account: names, password, sessions, tokens; what is known of one, and to have it forgotten."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import orjson
from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from mapservice.accounts import people, personal, sessions, tokens
from mapservice.accounts.account import Account
from mapservice.accounts.passwords import SHORTEST, WeakPassword
from mapservice.accounts.people import CannotBe
from mapservice.accounts.permissions import Action
from mapservice.accounts.signing_in import enter
from mapservice.mail import send_mail
from mapservice.survey.digest import set_digest, wants_digest
from mapservice.web import context, identity
from mapservice.web.accounts.confirming import refused
from mapservice.web.accounts.links import paragraphs
from mapservice.web.accounts.signing_in import Answer
from mapservice.web.accounts.words import grant_words
from mapservice.web.languages import gettext, lazy_gettext
from mapservice.web.words import in_words

blueprint = Blueprint("own", __name__, url_prefix="/account")

DONE = {
    "names": lazy_gettext("Your names were changed."),
    "digest": lazy_gettext("Your choice was saved."),
    "password": lazy_gettext(
        "Your password was changed. Everywhere else you have been signed out, and your tokens no longer hold."
    ),
    "second-factor-off": lazy_gettext("Signing in asks for your password only."),
    "session": lazy_gettext("That session has ended."),
    "sessions": lazy_gettext("Everywhere else you have been signed out."),
    "revoked": lazy_gettext("That token no longer holds."),
}
TOKEN_DAYS = (30, 90, 365)
LONGEST_LABEL = 80


@blueprint.get("")
@identity.needs(Action.OWN_ACCOUNT)
def show() -> Answer:
    """Everything about the account, with what can be changed."""
    return _page(done=DONE.get(request.args.get("done", ""), ""))


@blueprint.post("/names")
@identity.needs(Action.OWN_ACCOUNT)
def change_names() -> Answer:
    """What one is called, and as what others see one."""
    account, form = identity.this_account(), request.form
    public = form.get("public_name", "") if form.get("shown") == "name" else ""
    if form.get("shown") == "name" and not public.strip():
        return _page({"public_name": gettext("Enter the name that others should see")}), 400
    try:
        with context.database().session(account.actor) as session:
            people.change_names(session, account.id, form.get("name", ""), public)
    except CannotBe as error:
        return _page({error.field: in_words(error)}), 400
    return _done("names")


@blueprint.post("/digest")
@identity.needs(Action.OWN_ACCOUNT)
def change_digest() -> Answer:
    """Whether one's notices come by e-mail once a day."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        set_digest(session, account.id, wanted=request.form.get("digest") == "yes")
    return _done("digest")


@blueprint.post("/password")
@identity.needs(Action.OWN_ACCOUNT)
def change_password() -> Answer:
    """A new password for who knows the old one; all other sessions and all tokens end."""
    account = identity.this_account()
    if error := refused(account):
        return _page({"current": error}), 403
    try:
        with context.database().session(account.actor) as session:
            people.set_password(
                session, account.id, request.form.get("password", ""), context.borough().short_name
            )
            entry = enter(session, identity.door(), account.id, identity.where_from(), again=True)
    except WeakPassword as error:
        return _page({"password": in_words(error)}), 400
    identity.begin(entry)
    return _done("password")


@blueprint.post("/sessions")
@identity.needs(Action.OWN_ACCOUNT)
def end_sessions() -> Answer:
    """End one other session, or all others."""
    account, here = identity.this_account(), identity.current_session()
    which = request.form.get("session", "")
    with context.database().session(account.actor) as session:
        sessions.end_sessions(
            session,
            account.id,
            only=int(which) if which.isascii() and which.isdigit() and len(which) < 19 else None,
            but=here.session_id if here else None,
        )
    return _done("session" if which else "sessions")


@blueprint.post("/tokens")
@identity.needs(Action.OWN_ACCOUNT)
def make_token() -> Answer:
    """A new token for who knows the password, shown on the page that answers and never again."""
    account, form = identity.this_account(), request.form
    label = " ".join(form.get("label", "").replace("\x00", "").split())
    days = next((each for each in TOKEN_DAYS if str(each) == form.get("days")), TOKEN_DAYS[0])
    if not label or len(label) > LONGEST_LABEL:
        what = gettext("Say what the token is for, in at most %(most)s characters", most=LONGEST_LABEL)
        return _page({"label": what}), 400
    if form.get("scope") == "write" and not account.may(Action.EDIT_FEATURES):
        abort(403)
    if error := refused(account, "token_current"):
        return _page({"token_current": error}), 403
    with context.database().session(account.actor) as session:
        token = tokens.issue_token(
            session, account.id, label, days, "write" if form.get("scope") == "write" else "read"
        )
        person = people.find_person(session, account.id)
    if person and person.email:
        subject, text = _token_letter(person.name, label, context.borough().short_name)
        letter = (context.settings(), person.email, subject, text)
        threading.Thread(target=send_mail, args=letter, name="mail", daemon=True).start()
    return _page(token=token)


def _token_letter(name: str, label: str, service: str) -> tuple[str, str]:
    """Subject and text of the e-mail that tells somebody of a token made for their account."""
    return (
        gettext("A new token for your account on the %(borough)s community map", borough=service),
        paragraphs(
            gettext("Hello %(name)s,", name=name),
            gettext("a token for programs was made for your account just now: %(label)s", label=label),
            gettext(
                "If that was not you, sign in and change your password: that ends all tokens and all other "
                "sessions."
            ),
        ),
    )


@blueprint.post("/tokens/<int:token_id>/revoke")
@identity.needs(Action.OWN_ACCOUNT)
def revoke_token(token_id: int) -> Answer:
    """End a token of one's own."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        if token_id >= 2**63 or not tokens.revoke_token(session, token_id, account.id):
            abort(404)
    return _done("revoked")


@blueprint.get("/export")
@identity.needs(Action.OWN_ACCOUNT)
def export() -> Answer:
    """All that is known of one, to keep."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        found = personal.export(session, account.id)
    response = Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-account.json"'
    return response


@blueprint.get("/erase")
@identity.needs(Action.OWN_ACCOUNT)
def ask_to_erase() -> Answer:
    """What goes, what stays, and the question."""
    return _erase_page()


@blueprint.post("/erase")
@identity.needs(Action.OWN_ACCOUNT)
def erase() -> Answer:
    """Remove the account and all that is known of the person."""
    account = identity.this_account()
    if error := refused(account):
        return _erase_page(error), 403
    try:
        with context.database().session(account.actor) as session:
            people.erase(session, account.id)
    except CannotBe as error:
        return _erase_page(in_words(error)), 409
    identity.leave()
    return render_template("accounts/erased.html")


def _page(errors: dict[str, str] | None = None, *, done: str = "", token: str = "") -> str:
    account, here = identity.this_account(), identity.current_session()
    with context.database().session(account.actor) as session:
        person = people.find_person(session, account.id)
        listed = sessions.sessions_of(session, account.id, identity.door().idle)
        digest = wants_digest(session, account.id)
        issued = [row for row in tokens.list_tokens(session, account.id) if _holds(row)]
    return render_template(
        "accounts/own.html",
        person=person,
        grants=grant_words(account.grants),
        sessions=listed,
        here=here.session_id if here else None,
        tokens=issued,
        token_days=TOKEN_DAYS,
        token=token,
        digest=digest,
        form=request.form,
        errors=errors or {},
        done=done,
        shortest=SHORTEST,
    )


def _holds(row: tokens.TokenRow) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > datetime.now(UTC))


def _erase_page(error: str = "") -> str:
    account: Account = identity.this_account()
    with context.database().session(account.actor) as session:
        person = people.find_person(session, account.id)
    return render_template("accounts/erase.html", person=person, error=error)


def _done(what: str) -> Answer:
    return redirect(url_for("own.show", done=what), 303)
