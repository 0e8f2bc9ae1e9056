"""The working page of one space: all that is known, what was sent, said and done; and moving it on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from mapservice.accounts.account import Account
from mapservice.accounts.permissions import Action
from mapservice.register.vocabulary import GREEN_SPACE_ACCESS
from mapservice.survey import stages
from mapservice.survey.changes import MOST_SHOWN, changes_of
from mapservice.survey.comments import MOST_SHOWN as MOST_COMMENTS
from mapservice.survey.comments import Comment, comments_of, missed_in, people_to_mention
from mapservice.survey.evidence import ACCEPTED, files_of
from mapservice.survey.fields import FIELDS, fields_for
from mapservice.survey.merging import part_of_what, parts_of
from mapservice.survey.notices import watches
from mapservice.survey.outlines import overlaps_of
from mapservice.survey.sent import sent_for
from mapservice.survey.spaces import Outdated, Refused, Space, read_space
from mapservice.web import context, identity
from mapservice.web.accounts.words import locality_names
from mapservice.web.frame import now
from mapservice.web.languages import gettext
from mapservice.web.survey.drawing import drawing
from mapservice.web.survey.kept import keep_words
from mapservice.web.survey.words import mistakes_words
from mapservice.web.words import in_words, stage_words, without_unconfirmed

blueprint = Blueprint("space", __name__, url_prefix="/review/<space_id>")
keep_words(blueprint)

Answer = str | tuple[str, int] | BaseResponse
MOST_PAGES = 1000
"""Of a list, beyond which an address is nonsense."""


@blueprint.get("")
@identity.needs(Action.SEE_QUEUE)
def show(space_id: str) -> Answer:
    """Everything about a space for who works on it."""
    return page(space_id)


@blueprint.post("/stage")
@identity.needs(Action.CONFIRM)
def move(space_id: str) -> Answer:
    """Move it to another stage; back, or further than one step, once that was said to be meant."""
    account, form = identity.this_account(), request.form
    if form.get("sure") == "no":  # to be changed first, with all that was written
        return page(space_id)

    def change(session: Session) -> Space:
        return stages.move_stage(
            session,
            space_id,
            form.get("stage", ""),
            account,
            form_version(),
            reason=form.get("reason", ""),
            opened_on=form.get("opened_on", ""),
            access=form.get("access", ""),
            today=now().date(),
            sure=form.get("sure") == "yes",
        )

    return act(space_id, "stage", change)


@blueprint.post("/publish")
@identity.needs(Action.PUBLISH)
def publish(space_id: str) -> Answer:
    """Show it to everybody, or to the network alone."""
    public = request.form.get("public") == "yes"
    account = identity.this_account()
    return act(
        space_id,
        "published" if public else "unpublished",
        lambda session: stages.publish(session, space_id, account, form_version(), public=public),
        field="public",
    )


@blueprint.post("/due")
@identity.needs(Action.MOVE_STAGE)
def set_due(space_id: str) -> Answer:
    """Say by when somebody is to see to it."""
    account = identity.this_account()
    return act(
        space_id,
        "due",
        lambda session: stages.set_due(
            session, space_id, account, form_version(), request.form.get("due_on", "")
        ),
        field="due_on",
    )


def act(space_id: str, done: str, change: Callable[[Session], Space], field: str = "stage") -> Answer:
    """Run a change and go on to the working page, where it can be undone; or back with what is wrong."""
    account = identity.this_account()
    try:
        with context.database().session(account.actor) as session:
            before = read_space(session, space_id, account.sees)
            after = change(session)
    except Refused as refused:
        return page(space_id, errors=mistakes_words(refused), status=400)
    except Outdated as outdated:
        return page(space_id, errors={field: _outdated(outdated.space, field)}, status=409)
    except stages.Unsure as unsure:
        return render_template("survey/sure.html", unsure=unsure, space=unsure.space, given=request.form)
    changed = before is None or after.version != before.version
    undo = after.version if changed else None
    return redirect(url_for("space.show", space_id=after.id, done=done, undo=undo), 303)


def _outdated(space: Space, field: str) -> str:
    if field == "stage":
        return gettext(
            "Somebody else has moved this meanwhile: it is at “%(stage)s” now. Nothing of yours was changed. "
            "Look at the history below, then choose again.",
            stage=stage_words(space.stage),
        )
    return gettext(
        "Somebody else has changed this meanwhile, and nothing of yours was changed. "
        "Look at what is there now, then choose again."
    )


def form_version() -> int:
    """The version the form says it was made from."""
    return number_in(request.form, "version")


def number_in(given: Mapping[str, str], name: str) -> int:
    """A number of a form or an address; 0, which nothing has, for nonsense."""
    typed = given.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def page(space_id: str, *, errors: dict[str, str] | None = None, status: int = 200) -> Answer:
    """The working page, as it is for whoever asks."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        space = read_space(session, space_id, account.sees)
        if space is None:
            whole = part_of_what(session, space_id, account.sees)
            if whole is None or request.method != "GET":
                abort(404)
            return redirect(url_for("space.show", space_id=whole), 301)
        if not space.open_to(account, Action.SEE_QUEUE):
            abort(403)
        changes = changes_of(session, space, account.sees, number_in(request.args, "earlier") or None)
        content = render_template(
            "survey/space.html",
            space=space,
            names=locality_names(),
            fields=fields_for(space.values),
            moves=stages.moves_from(space, account),
            accesses=[each for each in GREEN_SPACE_ACCESS if each not in ("no-access", "unknown")],
            sent=sent_for(session, space),
            changes=changes,
            drawing=drawing,
            earlier=changes[-1].id if len(changes) == MOST_SHOWN else None,
            comments=(
                said := comments_of(session, space, account, talk := number_in(request.args, "talk") or 1)
            ),
            missed=missed_words(session, space, account, said),
            talk_page=talk,
            most_comments=MOST_COMMENTS,
            most_changes=MOST_SHOWN,
            settled_note=_settled_note(space),
            published=published_texts(space),
            mentionable=[*people_to_mention(session, space)],
            files=files_of(session, space),
            watching=watches(session, account.id, space.id),
            parts=parts_of(session, space),
            overlaps=overlaps_of(session, space.id, account.sees),
            may_here=lambda action: space.open_to(account, action),
            accepted=ACCEPTED,
            comment_id=request.form.get("id") or uuid.uuid4(),
            given=request.form,
            errors=errors or {},
            done_what=request.args.get("done", ""),
            done=DONE.get(request.args.get("done", ""), lambda: "")(),
            undo=next((each for each in changes if each.id == number_in(request.args, "undo")), None),
            today=now().date(),
            both=[name for name in request.args.get("both", "").split(",") if name in FIELDS],
        )
    return make_response(content, status)


def published_texts(space: Space) -> list[tuple[str, str]]:
    """What people wrote of a space, field by field, that everybody reads once it is published."""
    layer = context.catalogue().get(
        "green-spaces" if space.status == "existing" else "potential-green-spaces"
    )
    written = [name for name, field in FIELDS.items() if field.kind in ("line", "text")]
    return [
        (name, str(space.values[name]))
        for name in (*written, "stage_reason")
        if layer and space.values[name] and layer.find_property(name)
    ]


def _settled_note(space: Space) -> str | None:
    """The note on going in without the words that nobody confirmed it, where somebody has since."""
    note = space.values["access_note"]
    settled = without_unconfirmed(note)
    return settled if space.values["confirmed_on"] and settled != (note or "") else None


def missed_words(session: Session, space: Space, account: Account, said: Sequence[Comment]) -> list[str]:
    """Of what somebody has just said, which @ reached nobody, or more than one."""
    mine = [comment.body for comment in said if comment.mine and not comment.removed]
    if request.args.get("done") != "commented" or not mine:
        return []
    return [in_words(each) for each in missed_in(session, space, account, mine[-1])]


DONE: dict[str, Callable[[], str]] = {
    "stage": lambda: gettext("It was moved. Who watches or suggested it is told."),
    "published": lambda: gettext("Everybody sees it now."),
    "unpublished": lambda: gettext("Only the network sees it now."),
    "due": lambda: gettext("The due date was changed."),
    "same": lambda: gettext("That is how it was already: nothing was changed."),
    "back": lambda: gettext("It is back, under its own id."),
    "edited": lambda: gettext("Your changes were saved."),
    "merged": lambda: gettext("They are one now. The histories of both are below."),
    "reverted": lambda: gettext("That change was taken back."),
    "taken": lambda: gettext("It was taken. Who sent it sees that."),
    "declined": lambda: gettext("It was declined. Who sent it sees your reason."),
    "commented": lambda: gettext("Your comment was added."),
    "removed": lambda: gettext("It was removed. The history keeps it."),
    "file": lambda: gettext("Your file was added."),
    "changed-file": lambda: gettext("Who sees the photograph was changed."),
    "watching": lambda: gettext("You are told what happens to it from now on."),
    "unwatched": lambda: gettext("You are not told any more what happens to it."),
}
