"""Drawing the outline of a space and its entrances anew, on the map or by hand."""

from __future__ import annotations

import orjson
from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for

from mapservice.accounts.permissions import Action
from mapservice.survey import outlines
from mapservice.survey.outlines import Unreadable
from mapservice.survey.reshaping import as_drawn, entrances_of, reshape
from mapservice.survey.spaces import Outdated, Refused, read_space
from mapservice.web import context, identity
from mapservice.web.languages import gettext
from mapservice.web.maps import built_map
from mapservice.web.survey.kept import keep_words
from mapservice.web.survey.space import Answer, form_version
from mapservice.web.words import in_words

blueprint = Blueprint("outline", __name__, url_prefix="/review/<space_id>/outline")
keep_words(blueprint)


@blueprint.get("")
@identity.needs(Action.MOVE_STAGE)
def show(space_id: str) -> Answer:
    """The map with the outline, to be changed."""
    return _page(space_id)


@blueprint.post("")
@identity.needs(Action.MOVE_STAGE)
def draw(space_id: str) -> Answer:
    """Take what was drawn."""
    account, form = identity.this_account(), request.form
    try:
        geometry = outlines.read_geometry(_json(form.get("geometry", "")))
        entrances = outlines.read_entrances(_json(form.get("entrances") or "[]"))
        with context.database().session(account.actor) as session:
            before = read_space(session, space_id, account.sees)
            space = reshape(
                session, space_id, account, form_version(), geometry, entrances, form.getlist("had")
            )
    except Unreadable as error:
        return _page(space_id, in_words(error), 400)
    except Refused as refused:
        return _page(space_id, ". ".join(in_words(reason) for _, reason in refused.mistakes), 400)
    except Outdated:
        said = gettext(
            "Somebody else has drawn it anew meanwhile. What you drew is on the map still: look at theirs in "
            "the history, then save yours, or leave it."
        )
        return _page(space_id, said, 409)
    undo = space.version if before is not None and space.version != before.version else None
    return redirect(url_for("space.show", space_id=space_id, done="edited", undo=undo), 303)


def _page(space_id: str, error: str = "", status: int = 200) -> Answer:
    account, form = identity.this_account(), request.form
    with context.database().session(account.actor) as session:
        space = read_space(session, space_id, account.sees)
        if space is None:
            abort(404)
        if not space.open_to(account, Action.MOVE_STAGE):
            abort(403)
        entrances = entrances_of(session, space)
    drawn = as_drawn(space)
    content = render_template(
        "survey/outline.html",
        space=space,
        simple=drawn is not None,
        geometry=form.get("geometry") or (orjson.dumps(drawn).decode() if drawn else ""),
        entrances=form.get("entrances") or orjson.dumps([each.position for each in entrances]).decode(),
        had=form.getlist("had") or [each.id for each in entrances],
        # Who was told of the other's outline has seen it: saving again puts theirs in its place.
        version=form_version() if error and status == 400 else space.version,
        errors={"geometry": error} if error else {},
        built=built_map("draw"),
    )
    return make_response(content, status)


def _json(words: str) -> object:
    try:
        return orjson.loads(words)
    except orjson.JSONDecodeError:
        return None
