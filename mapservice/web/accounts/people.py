"""Who there is, for administrators: invite people, say what they may do, let them in no more."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from mapservice.accounts import people
from mapservice.accounts.events import events_of
from mapservice.accounts.links import Purpose, link_address, make_link
from mapservice.accounts.people import CannotBe, Person
from mapservice.accounts.permissions import Action, Grant, UnknownRole, parse_grants
from mapservice.accounts.sessions import end_sessions
from mapservice.mail import send_mail
from mapservice.saying import english
from mapservice.web import context, identity
from mapservice.web.accounts.links import letter_of
from mapservice.web.accounts.signing_in import Answer
from mapservice.web.accounts.words import event_words, grant_choices, grant_words
from mapservice.web.languages import gettext, lazy_gettext
from mapservice.web.words import in_words

blueprint = Blueprint("people", __name__, url_prefix="/people")

DONE = {
    "roles": lazy_gettext("What they may do was changed, from this moment."),
    "disabled": lazy_gettext("They are let in no more, from this moment."),
    "enabled": lazy_gettext("They are let in again."),
    "signed-out": lazy_gettext("They have been signed out everywhere."),
}


@blueprint.get("")
@identity.needs(Action.MANAGE_PEOPLE)
def show() -> Answer:
    """Everybody, and the form to invite somebody."""
    return _list()


@blueprint.post("")
@identity.needs(Action.MANAGE_PEOPLE)
def invite() -> Answer:
    """Make an account and show the link that invites, once."""
    form = request.form
    email = form.get("email", "")
    try:
        grants = _grants()
        with context.database().session(identity.this_account().actor) as session:
            account_id, secret = people.invite(
                session, form.get("name", ""), grants, email=email, user_name=form.get("user_name", "")
            )
            person = _found(session, account_id)
    except CannotBe as error:
        return _list({error.field: in_words(error)}), 400
    return _show_link(person, secret, invitation=True, mailed="mail" in form)


@blueprint.get("/<account_id>")
@identity.needs(Action.MANAGE_PEOPLE)
def one(account_id: str) -> Answer:
    """One person: what they may do, what was done to their account."""
    return _one(account_id, done=DONE.get(request.args.get("done", ""), ""))


@blueprint.post("/<account_id>/roles")
@identity.needs(Action.MANAGE_PEOPLE)
def change_roles(account_id: str) -> Answer:
    """Say what somebody may do."""
    try:
        grants = _grants()
    except CannotBe as error:
        return _one(account_id, error=in_words(error)), 400
    return _do(account_id, "roles", lambda session: people.change_grants(session, account_id, grants))


@blueprint.post("/<account_id>/disable")
@identity.needs(Action.MANAGE_PEOPLE)
def disable(account_id: str) -> Answer:
    """Let somebody in no more."""
    return _do(account_id, "disabled", lambda session: people.disable(session, account_id))


@blueprint.post("/<account_id>/enable")
@identity.needs(Action.MANAGE_PEOPLE)
def enable(account_id: str) -> Answer:
    """Let somebody in again."""
    return _do(account_id, "enabled", lambda session: people.enable(session, account_id))


@blueprint.post("/<account_id>/sign-out")
@identity.needs(Action.MANAGE_PEOPLE)
def sign_out(account_id: str) -> Answer:
    """End every session somebody has."""
    return _do(account_id, "signed-out", lambda session: end_sessions(session, account_id))


@blueprint.post("/<account_id>/link")
@identity.needs(Action.MANAGE_PEOPLE)
def link(account_id: str) -> Answer:
    """A link to choose a password: the invitation anew, or in place of a forgotten password."""
    with context.database().session(identity.this_account().actor) as session:
        person = _found(session, account_id)
        if person.disabled_at is not None:
            abort(409, gettext("Let them in again first."))
        secret = make_link(session, person.id, "new-password" if person.has_password else "invitation")
    mailed = "mail" in request.form
    return _show_link(person, secret, invitation=not person.has_password, mailed=mailed)


def _do(account_id: str, what: str, change: Callable[[Session], None]) -> Answer:
    try:
        with context.database().session(identity.this_account().actor) as session:
            _found(session, account_id)
            change(session)
    except CannotBe as error:
        return _one(account_id, error=in_words(error)), 409
    return redirect(url_for("people.one", account_id=account_id, done=what), 303)


def _grants() -> frozenset[Grant]:
    """The roles ticked; raises CannotBe for none, or for what the form does not offer."""
    ticked = request.form.getlist("grant")
    offered = {choice.value for choice in grant_choices()}
    try:
        grants = parse_grants(ticked)
    except UnknownRole as error:
        raise CannotBe("grant", str(error)) from None
    if unknown := {str(grant) for grant in grants} - offered:
        raise CannotBe("grant", english("There is no %(roles)s", roles=", ".join(sorted(unknown))))
    if not grants:
        raise CannotBe("grant", english("Choose what they may do"))
    return grants


def _found(session: Session, account_id: str) -> Person:
    person = people.find_person(session, account_id) if "\x00" not in account_id else None
    if person is None:
        abort(404)
    return person


def _list(errors: dict[str, str] | None = None) -> str:
    with context.database().session(identity.this_account().actor) as session:
        listed = people.list_people(session)
    return render_template(
        "accounts/people.html",
        people=[(person, grant_words(person.grants)) for person in listed],
        choices=grant_choices(),
        form=request.form,
        ticked=request.form.getlist("grant"),
        errors=errors or {},
    )


def _one(account_id: str, *, done: str = "", error: str = "") -> str:
    with context.database().session(identity.this_account().actor) as session:
        person = _found(session, account_id)
        events = events_of(session, account_id, most=50)
        actors = {known.id: known.name for known in people.list_people(session)}
    return render_template(
        "accounts/person.html",
        person=person,
        grants=grant_words(person.grants),
        from_directory=grant_words(person.from_directory),
        ticked=[str(grant) for grant in person.grants],
        choices=grant_choices(),
        events=[(event, event_words(event.action), actors.get(event.actor, event.actor)) for event in events],
        done=done,
        error=error,
    )


def _show_link(person: Person, secret: str, *, invitation: bool, mailed: bool) -> Answer:
    address = link_address(context.site(), secret)
    sent = None
    if mailed and person.email:
        purpose: Purpose = "invitation" if invitation else "new-password"
        subject, text = letter_of(purpose, person.name, address, context.borough().short_name)
        sent = send_mail(context.settings(), person.email, subject, text)
    return render_template(
        "accounts/link.html", person=person, address=address, invitation=invitation, sent=sent
    )
