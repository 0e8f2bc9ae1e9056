"""A space that is on the map: still open, or something has changed. In one tap for who may confirm it."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from mapservice.accounts.attempts import TooMany
from mapservice.accounts.permissions import Action
from mapservice.register.opening_hours import LONDON
from mapservice.survey.confirming import MAY_BE_OPEN, confirm, take_back
from mapservice.survey.people import ANYBODY
from mapservice.survey.photographs import ACCEPTED
from mapservice.survey.spaces import NoSuchSpace, Refused
from mapservice.survey.submitting import CHANGED, MOST_PHOTOGRAPHS, Sent, written_at
from mapservice.web import context, identity, reading
from mapservice.web.accounts.waiting import wait_words
from mapservice.web.frame import now
from mapservice.web.survey import suggesting
from mapservice.web.survey.sender import SomebodyElse, kept_waiting, seen_by, sender
from mapservice.web.survey.suggesting import (
    NO_UPLOADS,
    Answer,
    Mistakes,
    Problem,
    read_id,
    read_moment,
    receive,
    received_answer,
    refused_answer,
)
from mapservice.web.survey.uploads import Uploads
from mapservice.web.words import in_words

blueprint = Blueprint("confirming", __name__)
blueprint.url_value_preprocessor(suggesting.allow_photographs)
blueprint.register_error_handler(OSError, suggesting.no_room_for_the_form)
blueprint.after_request(suggesting.tell_nobody)


@blueprint.get("/green-spaces/<feature_id>/confirm")
@identity.needs(Action.SUGGEST)
def ask(feature_id: str) -> Answer:
    """The question, for who has no account: the page of a space itself is the same for everybody."""
    return _ask(feature_id)


@blueprint.post("/green-spaces/<feature_id>/confirm")
@identity.needs(Action.SUGGEST)
def still_open(feature_id: str) -> Answer:
    """It is still open: noted at once from who may confirm it there, else for a reviewer."""
    typed = request.form
    sent = Sent(
        id=read_id(typed),
        kind="confirmation",
        fields={"access": typed.get("access", "")},
        written_at=read_moment(typed.get("written_at", "")),
        green_space_id=feature_id,
    )
    day = min(now().date(), written_at(sent).astimezone(LONDON).date()) if sent.written_at else now().date()
    try:
        account = sender()
        if account is None:
            suggesting.count(sent)
        with context.database().session(account.actor if account else ANYBODY) as session:
            received, taken = confirm(session, sent, account, seen_by(account), day, typed.get("seen", ""))
    except SomebodyElse:
        return kept_waiting()
    except TooMany as late:
        problem = Problem({"still-open": wait_words(late)}, 429, late.seconds)
    except Refused as error:
        problem = Problem({"still-open": in_words(error.mistakes[0][1])})
    except NoSuchSpace:
        return suggesting.gone()
    else:
        address = url_for("outcome.show", submission_id=received.submission_id)
        seen = url_for("directory.green_space", feature_id=feature_id, confirmed=received.submission_id)
        return received_answer(received, address, seen if taken else f"{address}?sent=1")
    return refused_answer(problem, lambda: _ask(feature_id, problem.mistakes["still-open"]))


@blueprint.get("/green-spaces/on-the-spot")
@identity.needs(Action.SUGGEST)
def on_the_spot() -> Answer:
    """What can be said of any space: the browser keeps it, for where there is no signal."""
    return render_template(
        "survey/without_signal.html",
        changed=CHANGED,
        accepted=ACCEPTED,
        most_photographs=MOST_PHOTOGRAPHS,
        submission_id=uuid.uuid4(),
    )


@blueprint.post("/green-spaces/confirmations/<uuid:submission_id>/undo")
@identity.needs(Action.CONFIRM)
def undo(submission_id: uuid.UUID) -> Answer:
    """Take one's own confirmation back."""
    account = identity.this_account()
    try:
        with context.database().session(account.actor) as session:
            space_id = take_back(session, submission_id, account, context.viewer())
    except NoSuchSpace:
        abort(404)
    except Refused as error:
        page = render_template("survey/not_taken_back.html", reason=in_words(error.mistakes[0][1]))
        return page, 409
    return redirect(url_for("directory.green_space", feature_id=space_id, confirmed="undone"), 303)


@blueprint.get("/green-spaces/<feature_id>/report")
@identity.needs(Action.SUGGEST)
def report(feature_id: str) -> Answer:
    """The form for what has changed."""
    return _report(feature_id, MultiDict(), {}, NO_UPLOADS)


@blueprint.post("/green-spaces/<feature_id>/report")
@identity.needs(Action.SUGGEST)
def send_report(feature_id: str) -> Answer:
    """Take what has changed in, for a reviewer."""

    def again(typed: MultiDict[str, str], mistakes: Mistakes, uploaded: Uploads) -> str:
        return _report(feature_id, typed, mistakes, uploaded)

    return receive("change", again, green_space_id=feature_id)


def _report(feature_id: str, typed: MultiDict[str, str], mistakes: Mistakes, uploaded: Uploads) -> str:
    return render_template(
        "survey/report.html",
        feature=_feature(feature_id),
        typed=typed,
        errors=mistakes,
        uploaded=uploaded,
        submission_id=read_id(typed),
        changed=CHANGED,
        accepted=ACCEPTED,
        most_photographs=MOST_PHOTOGRAPHS,
    )


def _ask(feature_id: str, error: str = "") -> str:
    feature = _feature(feature_id)
    return render_template(
        "survey/confirm.html",
        feature=feature,
        error=error,
        submission_id=uuid.uuid4(),
        may_be_open=feature.properties.get("access") in MAY_BE_OPEN,
    )


def _feature(feature_id: str) -> reading.Feature:
    with context.database().reading() as cursor:
        found = reading.one_feature(cursor, reading.GREEN_SPACES, feature_id)
    if found is None:
        abort(404)
    return found
