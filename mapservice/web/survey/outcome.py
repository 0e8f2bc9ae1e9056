"""What became of what was sent: at its secret address, and as a list for who has an account."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapservice.accounts.permissions import Action
from mapservice.survey.outcomes import (
    PAGE_SIZE,
    files_added,
    find_photograph,
    outcomes_of,
    read_drawn,
    read_outcome,
    withdraw_photograph,
)
from mapservice.survey.people import ANYBODY
from mapservice.web import context, identity
from mapservice.web.maps import built_map
from mapservice.web.survey.files import give_out
from mapservice.web.survey.space import MOST_PAGES, number_in
from mapservice.web.survey.suggesting import tell_nobody

blueprint = Blueprint("outcome", __name__)
blueprint.after_request(tell_nobody)

SENT = "/green-spaces/suggestions/<uuid:submission_id>"


@blueprint.get(SENT)
@identity.needs(Action.SUGGEST)
def show(submission_id: uuid.UUID) -> str:
    """What was sent and what became of it, for who has the address."""
    account = identity.current_account()
    with context.database().session(ANYBODY) as session:
        found = read_outcome(session, submission_id, account.id if account else None)
        drawn = read_drawn(session, submission_id) if found else None
    if found is None:
        abort(404)
    return render_template(
        "survey/outcome.html",
        found=found,
        drawn=drawn,
        built=built_map("small") if drawn else None,
        just_sent=request.args.get("sent") == "1",
        address=context.site() + url_for("outcome.show", submission_id=submission_id),
    )


@blueprint.get(f"{SENT}/outline.geojson")
@identity.needs(Action.SUGGEST)
def outline(submission_id: uuid.UUID) -> Response:
    """The outline as it was drawn, for the map of that page."""
    with context.database().session(ANYBODY) as session:
        drawn = read_drawn(session, submission_id)
    if drawn is None:
        abort(404)
    response = jsonify(type="Feature", properties={}, geometry=drawn.geometry)
    response.mimetype = "application/geo+json"
    return response


@blueprint.get(f"{SENT}/photographs/<uuid:file_id>")
@identity.needs(Action.SUGGEST)
def photograph(submission_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """A photograph as it was kept, for who has the address of what it came with."""
    with context.database().session(ANYBODY) as session:
        digest = find_photograph(session, submission_id, file_id)
    if digest is None:
        abort(404)
    return give_out(digest, "image/jpeg")


@blueprint.post(f"{SENT}/photographs/<uuid:file_id>/remove")
@identity.needs(Action.SUGGEST)
def withdraw(submission_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """Take a photograph back: whoever has the address of what they sent may do so, at any time."""
    account = identity.current_account()
    with context.database().session(account.actor if account else ANYBODY) as session:
        withdraw_photograph(session, submission_id, file_id)
    return redirect(url_for("outcome.show", submission_id=submission_id), 303)


@blueprint.get("/account/sent")
@identity.needs(Action.OWN_ACCOUNT)
def all_sent() -> str:
    """All that whoever is signed in has sent, the latest first."""
    account = identity.this_account()
    page = min(number_in(request.args, "page"), MOST_PAGES) if "page" in request.args else 1
    if not page:
        abort(404)
    with context.database().session(account.actor) as session:
        outcomes, number = outcomes_of(session, account.id, page)
        added = files_added(session, account.id) if page == 1 else []
    return render_template(
        "survey/all_sent.html",
        outcomes=outcomes,
        number=number,
        added=added,
        page=page,
        more=page * PAGE_SIZE < number,
    )
