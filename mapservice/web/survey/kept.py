"""What pages of the survey refuse: whose form it is loses the right, or the space, and not the words."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from mapservice.accounts.permissions import WITHOUT_ACCOUNT, Action
from mapservice.survey.merging import part_of_what
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, read_space
from mapservice.web import context, identity
from mapservice.web.frame import error_page

NOT_WORDS = frozenset(
    {
        "as",
        "asked",
        "change",
        "csrf_token",
        "id",
        "into_version",
        "kept",
        "next",
        "notice",
        "public",
        "sure",
        "up_to",
        "version",
        "waited",
        "watch",
        "written_at",
    }
)
REFUSED = (CSRFError, Forbidden, NotFound, NoSuchSpace, NotAllowed)


def keep_words(blueprint: Blueprint) -> None:
    """Answer forms of a blueprint that are refused with what stood in them, to be copied."""

    @blueprint.before_request
    def refuse_at_once() -> Response | None:
        # No id can hold a NUL, nor can the database be asked for one.
        if any("\x00" in str(value) for value in (request.view_args or {}).values()):
            abort(404)
        if request.method == "POST" and _needs_account() and identity.current_account() is None:
            return kept_page(403)
        return None

    def refused(error: Exception) -> Response:
        told = _told(error)
        return kept_page(told.code or 400) if request.method == "POST" else error_page(told)

    for kind in REFUSED:
        blueprint.register_error_handler(kind, refused)


def _told(error: Exception) -> HTTPException:
    """A refusal of the survey's rooms as one of the web's."""
    if isinstance(error, HTTPException):
        return error
    return Forbidden() if isinstance(error, NotAllowed) else NotFound()


def _needs_account() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, identity.NEEDS, None) not in WITHOUT_ACCOUNT


def kept_page(status: int) -> Response:
    """What stood in the form that is refused, to be copied, and why."""
    written = [
        (name, words)
        for name, words in request.form.items(multi=True)
        if name not in NOT_WORDS and words.strip()
    ]
    page = render_template(
        "survey/kept.html",
        written=written,
        status=status,
        signed_out=_needs_account() and identity.current_account() is None,
        on=_where(),
    )
    return make_response(page, status)


def _where() -> str:
    """The address of the space that the form was about, or of what that became part of; "" for none."""
    given = request.view_args or {}
    space_id = given.get("space_id") or given.get("feature_id")
    if space_id is None:
        return ""
    viewer, account = context.viewer(), identity.current_account()
    with context.database().session("survey") as session:
        there = read_space(session, space_id, viewer)
        found = space_id if there else part_of_what(session, space_id, viewer)
    if found is None:
        return ""
    if account is not None and account.may(Action.SEE_QUEUE):
        return url_for("space.show", space_id=found)
    return url_for("directory.green_space", feature_id=found)
