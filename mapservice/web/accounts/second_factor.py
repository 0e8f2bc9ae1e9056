"""Turning the second factor on and off."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for

from mapservice.accounts import attempts, people, second_factor
from mapservice.accounts.account import Account
from mapservice.accounts.attempts import TooMany
from mapservice.accounts.permissions import Action
from mapservice.web import context, identity
from mapservice.web.accounts.confirming import refused
from mapservice.web.accounts.signing_in import WRONG_CODE, Answer
from mapservice.web.accounts.waiting import wait_words

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")


@blueprint.get("")
@identity.needs(Action.OWN_ACCOUNT)
def show() -> Answer:
    """How to turn it on; or that it is on, and how to turn it off."""
    return _page(identity.this_account())


@blueprint.post("")
@identity.needs(Action.OWN_ACCOUNT)
def turn_on() -> Answer:
    """Turn it on with the first code, and show the recovery codes once."""
    account = identity.this_account()
    if error := refused(account):
        return _page(account, error=error), 403
    door = identity.door()
    try:
        with door.database.session(account.actor) as session:
            attempts.attempt(session, door.key, attempts.CODE, account.id)
    except TooMany as late:
        return _page(account, error=wait_words(late)), 429
    with door.database.session(account.actor) as session:
        codes = second_factor.confirm(session, door.box, account.id, request.form.get("code", ""))
    if codes is None:
        return _page(account, error=WRONG_CODE), 400
    return render_template("accounts/recovery_codes.html", codes=codes)


@blueprint.post("/codes")
@identity.needs(Action.OWN_ACCOUNT)
def new_codes() -> Answer:
    """New recovery codes in place of those there were."""
    account = identity.this_account()
    if error := refused(account):
        return _page(account, error=error), 403
    with context.database().session(account.actor) as session:
        if not second_factor.is_on(session, account.id):
            return redirect(url_for("second_factor.show"), 303)
        codes = second_factor.new_recovery_codes(session, account.id)
    return render_template("accounts/recovery_codes.html", codes=codes)


@blueprint.post("/off")
@identity.needs(Action.OWN_ACCOUNT)
def turn_off() -> Answer:
    """Ask for it no more."""
    account = identity.this_account()
    if error := refused(account):
        return _page(account, error=error), 403
    with context.database().session(account.actor) as session:
        second_factor.turn_off(session, account.id)
    return redirect(url_for("own.show", done="second-factor-off"), 303)


def _page(account: Account, error: str = "") -> str:
    door, service = identity.door(), f"{context.borough().short_name} community map"
    with door.database.session(account.actor) as session:
        person = people.find_person(session, account.id)
        is_on = second_factor.is_on(session, account.id)
        name = (person.sign_in_name or person.name) if person else account.name
        enrolment = None if is_on else second_factor.enrol(session, door.box, account.id, name, service)
    return render_template("accounts/second_factor.html", enrolment=enrolment, person=person, error=error)
