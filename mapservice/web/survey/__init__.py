"""The pages of the survey: suggesting and confirming on a walk, the queue, the meeting, the progress."""

from __future__ import annotations

from flask import Flask

from mapservice.web.identity import csrf
from mapservice.web.survey import (
    changing,
    checking,
    confirming,
    deciding,
    files,
    notices,
    outcome,
    outline,
    pack,
    progress,
    queue,
    space,
    suggesting,
    talking,
    words,
)
from mapservice.web.survey.kept import keep_words

# Of the others each page has it from its own blueprint.
for _module in (suggesting, confirming, outcome, pack, notices):
    keep_words(_module.blueprint)


def register_survey(app: Flask) -> None:
    """Add the pages to the app."""
    words.init_words(app)
    for module in (suggesting, checking, confirming, outcome, files, pack, progress):
        app.register_blueprint(module.blueprint)
    for module in (queue, deciding, changing, outline, space, talking, notices):
        app.register_blueprint(module.blueprint)
    app.jinja_env.globals.update(unread_notices=notices.unread)
    csrf.exempt(checking.blueprint)  # it only answers questions
