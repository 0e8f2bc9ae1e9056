"""Changing the fields of a space, making one of two, and taking back what was done."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from mapservice.accounts.permissions import Action
from mapservice.survey.editing import Conflict, edit
from mapservice.survey.fields import FIELDS, as_typed, fields_for
from mapservice.survey.merging import merge, removal_of
from mapservice.survey.nearby import near
from mapservice.survey.reverting import ChangedSince, bring_back, removed_spaces, revert
from mapservice.survey.spaces import NoSuchSpace, Outdated, Refused, Space, read_space
from mapservice.web import context, identity
from mapservice.web.languages import gettext
from mapservice.web.survey.kept import keep_words
from mapservice.web.survey.space import Answer, form_version, number_in, page
from mapservice.web.survey.words import HINTS, choice_words, mistakes_words

blueprint = Blueprint("changing", __name__, url_prefix="/review")
keep_words(blueprint)


@blueprint.get("/<space_id>/edit")
@identity.needs(Action.MOVE_STAGE)
def show(space_id: str) -> Answer:
    """The form with every field as it is now."""
    with _session() as session:
        space = _space(session, space_id, Action.MOVE_STAGE)
    return _form(space, {name: as_typed(space.values[name]) for name in FIELDS})


@blueprint.post("/<space_id>/edit")
@identity.needs(Action.MOVE_STAGE)
def change(space_id: str) -> Answer:
    """Change what was typed. Where both sides changed a field, both are shown and nothing is lost."""
    form = request.form
    typed = {name: form[name] for name in FIELDS if name in form}
    asked = [name for name in form.getlist("asked") if name in FIELDS]
    choices = {name: form.get(f"keep_{name}", "") for name in asked}
    missing = {f"keep_{name}": gettext("Choose one") for name, choice in choices.items() if not choice}
    reason = form.get("reason", "")
    try:
        with _session() as session:
            if missing:
                space = _space(session, space_id, Action.MOVE_STAGE)
                return _form(
                    space, typed, missing, asked=asked, reason=reason, status=400, version=form_version()
                )
            edited = edit(
                session,
                space_id,
                identity.this_account(),
                form_version(),
                typed,
                keep_theirs=[name for name, choice in choices.items() if choice == "theirs"],
                reason=reason,
            )
    except Refused as refused:
        with _session() as session:
            space = _space(session, space_id, Action.MOVE_STAGE)
        # The version stays the one it was made from: what others did meanwhile is not to be overwritten.
        wrong = mistakes_words(refused)
        return _form(space, typed, wrong, asked=asked, reason=reason, status=400, version=form_version())
    except Conflict as conflict:
        return _form(conflict.space, typed, conflict=conflict, reason=reason, status=409)
    return redirect(
        url_for(
            "space.show",
            space_id=space_id,
            done="edited" if edited.changed else "same",
            undo=edited.space.version if edited.changed else None,
            both=",".join(each.name for each in edited.meanwhile) or None,
        ),
        303,
    )


@blueprint.get("/<space_id>/merge")
@identity.needs(Action.MERGE)
def show_merge(space_id: str) -> Answer:
    """Choose what this is a duplicate of; then see both before they become one."""
    return _merge_page(space_id, request.args.get("into", ""))


@blueprint.post("/<space_id>/merge")
@identity.needs(Action.MERGE)
def do_merge(space_id: str) -> Answer:
    """Make this part of the other one."""
    into, form = request.form.get("into", ""), request.form
    versions = (form_version(), number_in(form, "into_version"))
    account = identity.this_account()
    try:
        with _session() as session:
            merged = merge(session, space_id, into, account, versions, form.get("reason", ""))
            undo = removal_of(session, space_id)
    except NoSuchSpace:
        return _merge_page(space_id, into, {"into": gettext("There is no such green space")}, 400)
    except Refused as refused:
        return _merge_page(space_id, into, mistakes_words(refused), 400)
    except Outdated as outdated:
        name = outdated.space.name
        said = gettext("“%(name)s” has been changed meanwhile. Look again, then merge.", name=name)
        return _merge_page(space_id, into, {"into": said}, 409)
    return redirect(url_for("space.show", space_id=merged.id, done="merged", undo=undo), 303)


@blueprint.post("/<space_id>/revert")
@identity.needs(Action.REVERT)
def take_back(space_id: str) -> Answer:
    """Take a change back; where some of it was changed again since, say so and ask."""
    change_id, rest_only = number_in(request.form, "change"), request.form.get("rest") == "yes"
    account = identity.this_account()
    try:
        with _session() as session:
            before = read_space(session, space_id, account.sees)
            space = revert(session, space_id, change_id, account, rest_only=rest_only)
    except Refused as refused:
        return page(space_id, errors=mistakes_words(refused), status=409)
    except ChangedSince as since:
        with _session() as session:
            current = _space(session, space_id, Action.REVERT)
        content = render_template("survey/since.html", space=current, since=since, change=change_id)
        return make_response(content, 409)
    if space is None:
        return redirect(url_for("changing.show_removed"), 303)
    # Where it was not the space itself that changed, its latest change is another one, and none to undo here.
    undo = space.version if before is None or space.version != before.version else None
    return redirect(url_for("space.show", space_id=space_id, done="reverted", undo=undo), 303)


@blueprint.get("/removed")
@identity.needs(Action.REVERT)
def show_removed() -> Answer:
    """What was removed or merged, to be brought back."""
    return _removed()


@blueprint.post("/removed")
@identity.needs(Action.REVERT)
def restore() -> Answer:
    """Bring one back."""
    try:
        with _session() as session:
            space = bring_back(session, number_in(request.form, "change"), identity.this_account())
    except Refused as refused:
        return _removed(*mistakes_words(refused).values())
    return redirect(url_for("space.show", space_id=space.id, done="back"), 303)


def _removed(error: str = "") -> Answer:
    with _session() as session:
        removed = removed_spaces(session, identity.this_account())
    errors = {"removed": error} if error else {}
    return make_response(
        render_template("survey/removed.html", removed=removed, errors=errors), 409 if error else 200
    )


def _form(
    space: Space,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    *,
    conflict: Conflict | None = None,
    asked: list[str] | None = None,
    reason: str = "",
    status: int = 200,
    version: int | None = None,
) -> Answer:
    """The form. In a conflict it is made from the newest version: what only others changed is in it."""
    if conflict:
        typed = {**typed, **{each.name: as_typed(each.now) for each in conflict.meanwhile}}
        asked = [each.name for each in conflict.conflicts]
    choices = {
        field.name: [(value, choice_words(field.name, value)) for value in field.choices]
        for field in fields_for(space.values)
    }
    content = render_template(
        "survey/edit.html",
        space=space,
        fields=fields_for(space.values),
        choices=choices,
        hints=HINTS,
        typed={**{name: as_typed(space.values[name]) for name in FIELDS}, **typed},
        asked={name: space.values[name] for name in asked or ()},
        whose={each.name: each for each in conflict.conflicts} if conflict else {},
        conflict=conflict,
        errors=errors or {},
        reason=reason,
        given=request.form,
        version=space.version if version is None else version,
    )
    return make_response(content, status)


def _merge_page(
    space_id: str, into_id: str, errors: dict[str, str] | None = None, status: int = 200
) -> Answer:
    account = identity.this_account()
    with _session() as session:
        space = _space(session, space_id, Action.MERGE)
        into = read_space(session, into_id.strip(), account.sees) if into_id else None
        longitude, latitude = space.middle
        found = near(session, longitude, latitude, space.values["name"] or "", account.sees)
        others = [each for each in found if each.id != space.id]
    errors = dict(errors or {})
    if into_id and (into is None or into.id == space.id) and not errors:
        errors["into"], status = gettext("There is no such green space"), 404
    if into is not None and not into.open_to(account, Action.MERGE):
        abort(403)
    content = render_template(
        "survey/merge.html",
        space=space,
        into=into,
        wanted=into_id,
        near=others,
        fields=fields_for(space.values),
        errors=errors,
        given=request.form,
    )
    return make_response(content, status)


def _space(session: Session, space_id: str, action: Action) -> Space:
    account = identity.this_account()
    space = read_space(session, space_id, account.sees)
    if space is None:
        abort(404)
    if not space.open_to(account, action):
        abort(403)
    return space


def _session() -> AbstractContextManager[Session]:
    return context.database().session(identity.this_account().actor)
