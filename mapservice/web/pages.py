"""The pages for people, as one list of blueprints."""

from __future__ import annotations

from flask import Flask, redirect, url_for
from werkzeug import Response

from mapservice.web import data, directory, finder, maps, offline, priorities, promise, whats_on
from mapservice.web.accounts import register_accounts
from mapservice.web.survey import register_survey


def register_pages(app: Flask) -> None:
    """Add every page to the app; needs `frame.init_frame` before it."""
    for module in (directory, finder, maps, data, offline, promise, whats_on, priorities):
        app.register_blueprint(module.blueprint)
    register_accounts(app)
    register_survey(app)
    app.add_url_rule("/favicon.ico", view_func=favicon)


def favicon() -> Response:
    """Where browsers look for the icon of what is not a page and cannot name it: a GeoJSON document."""
    return redirect(url_for("static", filename="icon.svg"), 301)
