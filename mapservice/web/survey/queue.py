"""The queue: what waits for the network, by locality."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from mapservice.accounts.permissions import Action
from mapservice.survey.queue import DUE, OUTSIDE, PAGE_SIZE, WAITING, localities_seen, read_queue
from mapservice.survey.stages import DECLINED, FORWARD
from mapservice.web import context, identity
from mapservice.web.accounts.words import locality_names
from mapservice.web.frame import now
from mapservice.web.languages import gettext
from mapservice.web.survey.space import MOST_PAGES, number_in
from mapservice.web.words import stage_words

blueprint = Blueprint("queue", __name__, url_prefix="/review")


@blueprint.get("")
@identity.needs(Action.SEE_QUEUE)
def show() -> str:
    """What waits, the most pressing first; in a locality and of a stage if that is asked for."""
    account = identity.this_account()
    allowed, names = localities_seen(account), locality_names()
    places = {each: name for each, name in names.items() if allowed is None or each in allowed}
    if allowed is None:
        places[OUTSIDE] = gettext("In no locality")
    locality, only = request.args.get("locality", ""), request.args.get("only", "")
    kinds = {
        "": gettext("Everything open"),
        WAITING: gettext("Waiting for an answer"),
        DUE: gettext("Due"),
        **{stage: stage_words(stage) for stage in (*FORWARD[:-1], DECLINED)},
    }
    if (locality and locality not in places) or only not in kinds:
        abort(404)
    number = min(number_in(request.args, "page"), MOST_PAGES) if "page" in request.args else 1
    if not number:
        abort(404)
    today = now().date()
    with context.database().session(account.actor) as session:
        found = read_queue(session, account, locality, only, number, today=today)
    return render_template(
        "survey/queue.html",
        queue=found,
        places=places,
        names=names,
        kinds=kinds,
        locality=locality,
        only=only,
        page=number,
        first=(number - 1) * PAGE_SIZE + 1,
        more=number * PAGE_SIZE < found.matched,
        today=today,
    )
