"""How far the survey has come, for everybody: a page and the same as CSV."""

from __future__ import annotations

from dataclasses import fields

from flask import Blueprint, Response, render_template

from mapservice.analysis.files import as_csv
from mapservice.survey.progress import (
    WHOLE,
    AreaProgress,
    count_examples,
    progress_rows,
    read_months,
    read_progress,
)
from mapservice.survey.stages import FORWARD
from mapservice.web import context
from mapservice.web.frame import now
from mapservice.web.languages import date_words

blueprint = Blueprint("progress", __name__, url_prefix="/green-spaces")


@blueprint.get("/progress")
def show() -> str:
    """Spaces confirmed, how far potential ones have come, by area and by month; nobody is named."""
    with context.database().reading() as cursor:
        areas = read_progress(cursor)
        months = read_months(cursor, now().date())
        examples = count_examples(cursor)
    borough = context.borough()
    # The newest first: the empty months before anything happened say nothing, those since do.
    while months and not months[-1].any:
        months.pop()
    titles = {"localities": borough.localities.title, **{s.id: s.title for s in borough.boundary_sets}}
    return render_template(
        "survey/progress.html",
        whole=next(area for area in areas if area.boundary_set == WHOLE),
        sets=[
            (title, [area for area in areas if area.boundary_set == set_id])
            for set_id, title in titles.items()
        ],
        funnel=FORWARD,
        months=[(date_words(each.month, "LLLL y"), each) for each in months],
        examples=examples,
    )


@blueprint.get("/progress.csv")
def as_file() -> Response:
    """The same for every area as CSV."""
    with context.database().reading() as cursor:
        rows = progress_rows(read_progress(cursor))
    columns = [field.name for field in fields(AreaProgress)]
    response = Response(as_csv(rows, columns), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="survey-progress.csv"'
    return response
