"""What somebody was told: their notices, which they have read, and whether they come by e-mail as well."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from mapservice.accounts.permissions import Action
from mapservice.survey.notices import count_unread, mark_read, notices_of
from mapservice.web import context, identity
from mapservice.web.frame import DATABASE_AWAY
from mapservice.web.survey.space import Answer, number_in
from mapservice.web.survey.telling import notice_path, notice_words

blueprint = Blueprint("notices", __name__, url_prefix="/notices")


@blueprint.get("")
@identity.needs(Action.OWN_ACCOUNT)
def show() -> Answer:
    """One's notices, newest first."""
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        found = notices_of(session, account)
    return render_template(
        "survey/notices.html",
        notices=found,
        words_of=notice_words,
        path_of=notice_path,
    )


@blueprint.post("")
@identity.needs(Action.OWN_ACCOUNT)
def read() -> Answer:
    """Take one as read, or all that were shown."""
    account, form = identity.this_account(), request.form
    with context.database().session(account.actor) as session:
        if "notice" in form:
            mark_read(session, account.id, number_in(form, "notice"))
        else:
            mark_read(session, account.id, up_to=number_in(form, "up_to"))
    return redirect(url_for("notices.show"), 303)


def unread() -> int:
    """How many whoever is signed in has not read; asked for once on a page, and never for anybody else."""
    account = identity.shown_account()
    if account is None or account.kind != "person":
        return 0
    if "unread" not in g:
        try:
            with context.database().session(account.actor) as session:
                g.unread = count_unread(session, account)
        except DATABASE_AWAY:
            g.unread = 0
    return int(g.unread)
