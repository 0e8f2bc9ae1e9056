"""What is said of a space, who follows it, and the files that back it up."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from mapservice.accounts.permissions import Action
from mapservice.survey.comments import MOST_SHOWN as MOST_COMMENTS
from mapservice.survey.comments import comments_of, remove_comment, say
from mapservice.survey.evidence import MOST_BYTES, add_evidence, change_file
from mapservice.survey.notices import unwatch, watch, watches
from mapservice.survey.spaces import Refused, Space, read_space
from mapservice.survey.storage import NoRoom, folder_of
from mapservice.web import context, identity
from mapservice.web.languages import gettext
from mapservice.web.survey.kept import keep_words
from mapservice.web.survey.space import DONE, Answer, missed_words, number_in, page
from mapservice.web.survey.words import mistakes_words

blueprint = Blueprint("talking", __name__, url_prefix="/green-spaces/<space_id>")
keep_words(blueprint)

ROOM_FOR_THE_REST = 64 * 1024
"""Of a form with a file: its other fields."""


@blueprint.url_value_preprocessor
def let_files_in(_endpoint: str | None, _values: object) -> None:
    """Before anything reads the form: one with a file may be longer than others."""
    if request.endpoint == "talking.add_file":
        request.max_content_length = MOST_BYTES + ROOM_FOR_THE_REST


@blueprint.get("/comments")
@identity.needs(Action.COMMENT)
def show(space_id: str) -> Answer:
    """What somebody said of a space and was told about it; for who works on it, its working page."""
    return _page(space_id)


@blueprint.post("/comments")
@identity.needs(Action.COMMENT)
def comment(space_id: str) -> Answer:
    """Say something; sent twice, it is said once."""
    account, form = identity.this_account(), request.form
    try:
        with context.database().session(account.actor) as session:
            say(
                session,
                _space(session, space_id),
                account,
                form.get("body", ""),
                also_to=form.getlist("tell"),
                comment_id=_uuid(form.get("id", "")),
            )
    except Refused as refused:
        return _page(space_id, mistakes_words(refused))
    return _back(space_id, "commented", "comments")


@blueprint.post("/comments/<uuid:comment_id>/remove")
@identity.needs(Action.COMMENT)
def remove(space_id: str, comment_id: uuid.UUID) -> Answer:
    """Take a comment back."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        remove_comment(session, _space(session, space_id), comment_id, account)
    return _back(space_id, "removed", "comments")


@blueprint.post("/watch")
@identity.needs(Action.WATCH)
def follow(space_id: str) -> Answer:
    """Be told what happens to it, or no longer."""
    account, on = identity.this_account(), request.form.get("watch") == "yes"
    with context.database().session(account.actor) as session:
        (watch if on else unwatch)(session, account.id, _space(session, space_id).id)
    return _back(space_id, "watching" if on else "unwatched", "main-content")


@blueprint.post("/files")
@identity.needs(Action.SEE_QUEUE)
def add_file(space_id: str) -> Answer:
    """Add a file as evidence."""
    account, sent = identity.this_account(), request.files.get("file")
    if sent is None or not sent.filename:
        return page(space_id, errors={"file": gettext("Choose a file")}, status=400)
    try:
        with context.database().session(account.actor) as session:
            space = _space(session, space_id)
            if not space.open_to(account, Action.SEE_QUEUE):
                abort(403)
            add_evidence(
                session,
                space,
                account,
                folder_of(context.settings().var_dir),
                sent.filename,
                sent.stream,  # type: ignore[arg-type] # a spooled temporary file
                request.form.get("caption", ""),
                _uuid(request.form.get("id", "")),
            )
    except Refused as refused:
        return page(space_id, errors=mistakes_words(refused), status=400)
    except NoRoom:
        said = gettext(
            "There is no room for more files just now, and yours was not kept. Tell an administrator."
        )
        return page(space_id, errors={"file": said}, status=507)
    return _back(space_id, "file", "files")


@blueprint.post("/files/<uuid:file_id>")
@identity.needs(Action.SEE_QUEUE)
def alter_file(space_id: str, file_id: uuid.UUID) -> Answer:
    """Remove a file, or show a photograph to everybody or to the network alone."""
    account, wanted = identity.this_account(), request.form.get("what", "")
    with context.database().session(account.actor) as session:
        space = _space(session, space_id)
        match wanted:
            case "remove" | "show" | "hide":
                change_file(session, space, file_id, account, wanted)
            case _:
                abort(400)
    return _back(space_id, "removed" if wanted == "remove" else "changed-file", "files")


def _space(session: Session, space_id: str) -> Space:
    space = read_space(session, space_id, identity.this_account().sees)
    if space is None:
        abort(404)
    return space


def _page(space_id: str, errors: dict[str, str] | None = None) -> Answer:
    account, status = identity.this_account(), 400 if errors else 200
    with context.database().session(account.actor) as session:
        space = _space(session, space_id)
        works = space.open_to(account, Action.SEE_QUEUE)
        content = render_template(
            "survey/comments.html",
            space=space,
            comments=(
                said := comments_of(session, space, account, talk := number_in(request.args, "talk") or 1)
            ),
            missed=missed_words(session, space, account, said),
            done=DONE.get(request.args.get("done", ""), lambda: "")(),
            talk_page=talk,
            most_comments=MOST_COMMENTS,
            watching=watches(session, account.id, space.id),
            comment_id=request.form.get("id") or uuid.uuid4(),
            given=request.form,
            errors=errors or {},
        )
    if works and not errors:
        return redirect(url_for("space.show", space_id=space_id, _anchor="comments"), 303)
    return page(space_id, errors=errors, status=status) if works else make_response(content, status)


def _back(space_id: str, done: str, anchor: str) -> Answer:
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        works = _space(session, space_id).open_to(account, Action.SEE_QUEUE)
    where = "space.show" if works else "talking.show"
    return redirect(url_for(where, space_id=space_id, done=done, _anchor=anchor), 303)


def _uuid(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None
