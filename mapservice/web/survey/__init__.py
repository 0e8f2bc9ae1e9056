"""The pages of the survey: suggesting and confirming on a walk, the queue, the meeting, the progress."""

from __future__ import annotations

from flask import Flask

from mapservice.web.identity import csrf
from mapservice.web.survey import checking, confirming, files, pack, progress, suggesting


def register_survey(app: Flask) -> None:
    """Add the pages to the app."""
    for module in (suggesting, checking, confirming, files, pack, progress):
        app.register_blueprint(module.blueprint)
    csrf.exempt(checking.blueprint)  # it only answers questions
