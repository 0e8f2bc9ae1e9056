"""A change of an outline as a small drawing with its caption."""

from __future__ import annotations

from markupsafe import Markup

from mapservice.maps.difference import draw_difference
from mapservice.survey.changes import Drawn
from mapservice.web.languages import gettext


def drawing(drawn: Drawn) -> Markup:
    """The outline before and after as inline SVG."""
    if drawn.before and drawn.after:
        label = gettext("The outline before, dashed, and after, solid")
    elif drawn.after:
        label = gettext("The outline")
    else:
        label = gettext("The outline that was removed, dashed")
    return Markup(draw_difference(drawn.before, drawn.after, label))  # noqa: S704 - numbers and our own words
