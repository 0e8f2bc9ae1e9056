"""Deciding on what somebody sent: taken, with the fields it changes, or declined with a reason."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from mapservice.accounts.permissions import Action
from mapservice.survey.editing import Conflict
from mapservice.survey.fields import FIELDS, as_typed
from mapservice.survey.sent import decline, read_submission, take
from mapservice.survey.spaces import Refused, read_space
from mapservice.web import context, identity
from mapservice.web.languages import gettext
from mapservice.web.survey.kept import keep_words
from mapservice.web.survey.space import Answer, form_version
from mapservice.web.survey.words import choice_words, field_words, mistakes_words

blueprint = Blueprint("deciding", __name__, url_prefix="/review/submissions/<uuid:submission_id>")
keep_words(blueprint)


@blueprint.get("")
@identity.needs(Action.SEE_QUEUE)
def show(submission_id: uuid.UUID) -> Answer:
    """What was sent beside what the register has, and the decision."""
    return _page(submission_id)


@blueprint.post("")
@identity.needs(Action.MOVE_STAGE)
def decide(submission_id: uuid.UUID) -> Answer:
    """Take it or decline it."""
    account, form = identity.this_account(), request.form
    wanted = [name for name in form.getlist("take") if name in FIELDS]
    typed = {name: form.get(f"new_{name}", "") for name in wanted}
    try:
        with context.database().session(account.actor) as session:
            if form.get("decide") == "decline":
                declined = decline(session, submission_id, account, form.get("decline_reason", ""))
                space_id, done, undo = declined.green_space_id, "declined", None
            elif form.get("decide") == "take":
                edited = take(session, submission_id, account, form_version(), typed)
                space_id = edited.space.id
                done, undo = "taken", edited.space.version if edited.changed else None
            else:
                abort(400)
    except Refused as refused:
        return _page(submission_id, mistakes_words(refused), 400)
    except Conflict as conflict:
        names = ", ".join(field_words(each.name) for each in conflict.conflicts)
        said = gettext(
            "Somebody else has changed this meanwhile: %(fields)s. "
            "Look at what is there now, then decide again.",
            fields=names,
        )
        return _page(submission_id, {"decide": said}, 409)
    return redirect(url_for("space.show", space_id=space_id, done=done, undo=undo), 303)


def _page(submission_id: uuid.UUID, errors: dict[str, str] | None = None, status: int = 200) -> Answer:
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        sent = read_submission(session, submission_id)
        space = read_space(session, sent.green_space_id, account.sees) if sent else None
        if sent is None or space is None:
            abort(404)
        if not space.open_to(account, Action.SEE_QUEUE):
            abort(403)
    form = request.form
    proposed = {
        name: {
            "now": space.values[name],
            "sent": words,
            "typed": form.get(f"new_{name}", words),
            "chosen": name in form.getlist("take") if form else words != as_typed(space.values[name]),
            "choices": [(value, choice_words(name, value)) for value in FIELDS[name].choices],
        }
        for name, words in sent.proposed.items()
    }
    content = render_template(
        "survey/submission.html",
        sent=sent,
        space=space,
        proposed=proposed,
        all_fields=FIELDS,
        may_decide=space.open_to(account, Action.MOVE_STAGE),
        errors=errors or {},
        given=form,
    )
    return make_response(content, status)
