"""Who may no longer do what they were writing for loses the right, and not the words."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import Forbidden

from mapservice.web import identity
from mapservice.web.frame import error_page

NOT_WORDS = frozenset({"csrf_token", "version", "id", "next", "asked", "change"})


def keep_words(blueprint: Blueprint) -> None:
    """Answer forms of a blueprint that are refused with what stood in them, to be copied."""

    @blueprint.before_request
    def signed_out() -> Response | None:
        if request.method == "POST" and identity.current_account() is None:
            return _kept(signed_in=False)
        return None

    @blueprint.errorhandler(Forbidden)
    def refused(error: Forbidden) -> Response:
        return _kept(signed_in=True) if request.method == "POST" else error_page(error)


def _kept(*, signed_in: bool) -> Response:
    written = [
        (name, words)
        for name, words in request.form.items(multi=True)
        if name not in NOT_WORDS and words.strip()
    ]
    page = render_template("survey/kept.html", written=written, still_in=signed_in)
    return make_response(page, 403)
