"""Choosing a password by a link: after an invitation, or when one was forgotten."""

from __future__ import annotations

import threading

from flask import Blueprint, copy_current_request_context, make_response, render_template, request
from werkzeug.wrappers import Response

from mapservice.accounts import attempts, people
from mapservice.accounts.attempts import TooMany
from mapservice.accounts.links import MAILED, Purpose, find_link, link_address, make_link
from mapservice.accounts.passwords import SHORTEST, WeakPassword
from mapservice.accounts.signing_in import enter
from mapservice.database import Database
from mapservice.mail import send_mail
from mapservice.settings import Settings
from mapservice.web import context, identity
from mapservice.web.accounts.signing_in import HOME, Answer, go_on
from mapservice.web.accounts.waiting import wait_words
from mapservice.web.languages import gettext
from mapservice.web.words import in_words

blueprint = Blueprint("links", __name__)

FORGETFUL = "forgotten password"


@blueprint.after_request
def tell_nobody(response: Response) -> Response:
    """The address holds a secret: it is not passed on to what the page leads to."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = identity.NEVER_KEPT
    return response


@blueprint.get("/set-password")
def set_password() -> Answer:
    """The form to choose a password, for who has a link that holds."""
    key = request.args.get("key", "")
    with context.database().session("link") as session:
        link = find_link(session, key)
    if link is None:
        return _spent()
    return render_template("accounts/set_password.html", link=link, key=key, shortest=SHORTEST)


@blueprint.post("/set-password")
def try_to_set_password() -> Answer:
    """Set the password, use the link up, and begin a session."""
    key, password = request.form.get("key", ""), request.form.get("password", "")
    with context.database().session("link") as session:
        link = find_link(session, key)
    if link is None:
        return _spent()
    try:
        with context.database().session(link.account_id) as session:
            # Used up only if the password will do: both or neither.
            if find_link(session, key, use=True) is None:
                return _spent()
            people.set_password(session, link.account_id, password, context.borough().short_name)
            entry = enter(session, identity.door(), link.account_id, identity.where_from())
    except WeakPassword as error:
        page = render_template(
            "accounts/set_password.html", link=link, key=key, shortest=SHORTEST, error=in_words(error)
        )
        return page, 400
    return go_on(entry, HOME)


@blueprint.get("/forgot")
def forgot() -> Answer:
    """Ask for a link in place of a forgotten password."""
    return render_template("accounts/forgot.html", sent=False)


@blueprint.post("/forgot")
def send_link() -> Answer:
    """Send the link, if there is an account; the answer and its time are the same if there is none."""
    typed = request.form.get("email", "").strip()
    if not people.EMAIL.fullmatch(typed) or len(typed) > people.LONGEST_EMAIL:
        error = gettext("Enter your e-mail address, as in name@example.org")
        return render_template("accounts/forgot.html", sent=False, email=typed, error=error), 400
    try:
        with context.database().session(FORGETFUL) as session:
            key = identity.door().key
            attempts.attempt(session, key, attempts.FORM, FORGETFUL, identity.where_from().address)
            attempts.attempt(session, key, attempts.MAIL, typed.lower())
    except TooMany as late:
        return render_template("accounts/forgot.html", sent=False, email=typed, error=wait_words(late)), 429
    # Beside the answer, which therefore does not show by its time whether there was anything to do.
    letter = (context.settings(), context.database(), context.site(), context.borough().short_name, typed)
    # With the request, whose language the letter is in.
    mail_link = copy_current_request_context(_mail_link)
    threading.Thread(target=mail_link, args=letter, name="mail", daemon=True).start()
    return render_template("accounts/forgot.html", sent=True)


def letter_of(purpose: Purpose, name: str, address: str, service: str) -> tuple[str, str]:
    """Subject and text of the e-mail that brings a link, in the language of whoever has it sent."""
    hello = gettext("Hello %(name)s,", name=name)
    if purpose == "invitation":
        return (
            gettext("Your account for the %(borough)s community map", borough=service),
            paragraphs(
                hello,
                gettext(
                    "you have been invited to the %(borough)s community map. Choose a password here; "
                    "the link works once, for a week:",
                    borough=service,
                ),
                address,
                gettext("If you did not expect this, do nothing."),
            ),
        )
    return (
        gettext("A new password for the %(borough)s community map", borough=service),
        paragraphs(
            hello,
            gettext("choose a new password here; the link works once, for an hour:"),
            address,
            gettext("If you did not ask for this, do nothing: your password stays as it is."),
        ),
    )


def paragraphs(*parts: str) -> str:
    """The text of an e-mail."""
    return "\n\n".join(parts) + "\n"


def _mail_link(settings: Settings, database: Database, site: str, service: str, typed: str) -> None:
    with database.session(FORGETFUL) as session:
        person = people.find_by_sign_in_name(session, typed)
        if (
            person is None
            or person.email is None
            or person.disabled_at is not None
            or not person.has_password
        ):
            return
        secret = make_link(session, person.id, "new-password", MAILED)
    subject, text = letter_of("new-password", person.name, link_address(site, secret), service)
    send_mail(settings, person.email, subject, text)


def _spent() -> Response:
    return make_response(render_template("accounts/link_spent.html"), 404)
