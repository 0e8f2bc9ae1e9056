"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapservice.accounts import sessions, signing_in
from mapservice.accounts.attempts import TooMany
from mapservice.web import context, identity
from mapservice.web.accounts.waiting import wait_words
from mapservice.web.languages import gettext, lazy_gettext

blueprint = Blueprint("signing_in", __name__)

WRONG = lazy_gettext("This name and this password do not belong together. Check both and try again.")
WRONG_CODE = lazy_gettext("This code is not right, or was used already. Wait for the next one and try again.")
HOME = "/account"

Answer = str | tuple[str, int] | Response


@blueprint.get("/sign-in")
def sign_in() -> Answer:
    """The form; who is signed in already goes on."""
    wanted = identity.local_path(request.args.get("next"), HOME)
    if identity.current_account() is not None:
        return redirect(wanted, 303)
    return _form(wanted)


@blueprint.post("/sign-in")
def try_to_sign_in() -> Answer:
    """A session for who shows the right password."""
    wanted = identity.local_path(request.form.get("next"), HOME)
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if not name.strip() or not password:
        return _form(wanted, name, gettext("Enter your name here and your password")), 400
    try:
        entry = signing_in.sign_in(identity.door(), name, password, identity.where_from())
    except TooMany as late:
        return _form(wanted, name, wait_words(late)), 429
    if entry is None:
        return _form(wanted, name, WRONG), 401
    return go_on(entry, wanted)


@blueprint.get("/sign-in/code")
def code() -> Answer:
    """The form for the second factor."""
    found = identity.current_session()
    wanted = identity.local_path(request.args.get("next"), HOME)
    if found is None:
        return redirect(url_for("signing_in.sign_in", next=wanted), 303)
    return redirect(wanted, 303) if found.complete else _code_form(wanted)


@blueprint.post("/sign-in/code")
def try_code() -> Answer:
    """The whole session for who also shows the second factor."""
    found = identity.current_session()
    wanted = identity.local_path(request.form.get("next"), HOME)
    if found is None or found.complete:
        return redirect(url_for("signing_in.sign_in", next=wanted), 303)
    typed = request.form.get("code", "")
    try:
        entry = signing_in.show_code(
            identity.door(), identity.shown_secret(), found.account.id, typed, identity.where_from()
        )
    except TooMany as late:
        return _code_form(wanted, wait_words(late)), 429
    if entry is None:
        return _code_form(wanted, WRONG_CODE), 401
    return go_on(entry, wanted)


@blueprint.post("/sign-out")
def sign_out() -> Answer:
    """End the session, here and in the database."""
    secret = identity.shown_secret()
    if secret:
        with context.database().session("sign-out") as session:
            sessions.end_session(session, secret)
    identity.leave()
    return redirect("/", 303)


def go_on(entry: signing_in.Entry, wanted: str) -> Response:
    """Show the session from now on and go where one wanted, by way of the second factor where one is on."""
    identity.begin(entry)
    return redirect(wanted if entry.complete else url_for("signing_in.code", next=wanted), 303)


def _form(wanted: str, name: str = "", error: str = "") -> str:
    return render_template(
        "accounts/sign_in.html",
        next=wanted,
        name=name,
        error=error,
        directory=context.settings().oidc_name if "council" in current_app.blueprints else "",
    )


def _code_form(wanted: str, error: str = "") -> str:
    return render_template("accounts/code.html", next=wanted, error=error)
