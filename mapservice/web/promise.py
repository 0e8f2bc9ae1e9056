"""The promise as a public page: from every postcode, for every need, a door within a walk."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, current_app, render_template

from mapservice.finder.guarantee import DAYS, Guarantee, check_doors
from mapservice.web import context
from mapservice.web.asking import NEEDS
from mapservice.web.caching import read_changes

blueprint = Blueprint("promise", __name__)

# What the figures depend on that is counted; hours depend on the day besides.
RELATIONS = ("layers.assets", "layers.areas", "layers.services")


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures last worked out, and what they were worked out from."""

    versions: tuple[int, ...]
    day: date
    found: Guarantee


_working_out = threading.Lock()


@blueprint.get("/no-wrong-door")
def promise() -> str:
    """How far the promise holds, where it does not, and how our figures relate to the published one."""
    return render_template(
        "promise.html",
        found=_figures(),
        days=DAYS,
        names={value: text for value, text, _ in NEEDS},
    )


def _figures() -> Guarantee:
    """The figures, worked out anew when a place, a boundary or the day has changed."""
    changes = read_changes(context.database())
    versions = tuple(changes[name].version for name in RELATIONS if name in changes)
    with _working_out:
        kept: Kept | None = current_app.extensions.get("promise")
        if kept is None or kept.versions != versions or kept.day != date.today():
            with context.database().reading() as cursor:
                kept = Kept(versions, date.today(), check_doors(cursor))
            current_app.extensions["promise"] = kept
    return kept.found
