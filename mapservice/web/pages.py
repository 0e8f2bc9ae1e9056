"""The pages for people, as one list of blueprints."""

from __future__ import annotations

from flask import Flask

from mapservice.web import data, directory, finder, maps


def register_pages(app: Flask) -> None:
    """Add every page to the app; needs `frame.init_frame` before it."""
    for module in (directory, finder, maps, data):
        app.register_blueprint(module.blueprint)
