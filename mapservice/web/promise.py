"""The promise as a public page: from every postcode, for every need, a door within a walk.

The figures take seconds to work out, so no request does it: a thread does, and the page shows what was worked
out last, or says that it has to be waited for.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, make_response, render_template, url_for

from mapservice.analysis.distances import read_edition
from mapservice.analysis.files import as_csv
from mapservice.database import Database
from mapservice.finder.guarantee import Guarantee, check_doors
from mapservice.finder.mending import ToFindOut
from mapservice.finder.reach import DAYS
from mapservice.web import context
from mapservice.web.asking import NEEDS

blueprint = Blueprint("promise", __name__)
log = logging.getLogger(__name__)

# What the figures depend on that is counted, beside the walks; hours depend on the day besides.
RELATIONS = ("layers.assets", "layers.areas", "layers.services", "register.homes", "register.postcodes")
COLUMNS = (
    *("id", "name", "kind", "address", "postcode", "locality", "organisation", "find_out"),
    *("postcodes_mended", "postcodes_mended_beyond_those_above", "postcodes_first_door_with_all"),
    *("phone", "opening_hours", "opening_note", "email", "website", "page"),
)
FIND_OUT = {"phone": "telephone number", "hours": "opening hours"}
Edition = tuple[Any, ...]
PATIENCE_S = 4.0
"""So long a request waits for figures that are being worked out, before it says so instead."""
AFTER_START_S = 20.0
SHOWN = 10
"""Places to find something out about that the page names; the list to download has them all."""
LONGEST_S = 120
"""A statement of the check may take so long: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures last worked out, and what they were worked out from."""

    edition: Edition
    day: date
    found: Guarantee


class Figures:
    """The figures, worked out anew when a place, boundary, service, walk or home, or the day, has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: Kept | None = None
        self._done: threading.Event | None = None

    def wanted(self, patience_s: float = PATIENCE_S) -> tuple[Guarantee | None, bool]:
        """What is known by the time patience ends (None: nothing), and whether it is of the register now."""
        now = self._now()
        with self._lock:
            done = None if self._holds(now) else self._done or self._begin(now)
        if done is not None:
            done.wait(patience_s)
        kept = self._kept
        return (kept.found if kept else None), self._holds(now)

    def _now(self) -> tuple[Edition, date]:
        with self._database.reading() as cursor:
            return read_edition(cursor, RELATIONS), date.today()

    def _holds(self, now: tuple[Edition, date]) -> bool:
        return self._kept is not None and (self._kept.edition, self._kept.day) == now

    def _begin(self, now: tuple[Edition, date]) -> threading.Event:
        done = self._done = threading.Event()
        threading.Thread(target=self._work_out, args=(now, done), name="promise", daemon=True).start()
        return done

    def _work_out(self, now: tuple[Edition, date], done: threading.Event) -> None:
        try:
            with self._database.reading() as cursor:
                cursor.execute(f"SET statement_timeout = '{LONGEST_S}s'".encode())
                try:
                    self._kept = Kept(*now, check_doors(cursor))
                finally:
                    cursor.execute("RESET statement_timeout")
        except Exception:  # whatever it was, the next who asks has it tried again
            log.exception("the promise could not be checked")
        finally:
            with self._lock:
                self._done = None
            done.set()


def init_promise(app: Flask) -> None:
    """Give the app its figures; none are worked out before somebody asks, or `begin_soon`."""
    app.extensions["promise"] = Figures(app.extensions["database"])


def begin_soon(app: Flask) -> None:
    """Have the figures worked out a while after the start, so that the first who asks need not wait."""
    figures: Figures = app.extensions["promise"]
    timer = threading.Timer(AFTER_START_S, figures.wanted, kwargs={"patience_s": 0})
    timer.daemon = True
    timer.start()


@blueprint.get("/no-wrong-door")
def promise() -> Response:
    """How far the promise holds, where it does not, and how our figures relate to the published one."""
    figures: Figures = current_app.extensions["promise"]
    found, current = figures.wanted()
    page = render_template(
        "promise.html",
        found=found,
        current=current,
        days=DAYS,
        shown=SHOWN,
        names={value: text for value, text, _ in NEEDS},
    )
    response = make_response(page)
    if not current:
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/no-wrong-door/to-find-out.csv")
def to_find_out() -> Response:
    """Every door of which a number or hours are missing, the ones that would mend most first."""
    figures: Figures = current_app.extensions["promise"]
    found, current = figures.wanted()
    if found is None:
        abort(503, "The list is being worked out. Try again in a minute.")
    file = as_csv([_row(one) for one in found.to_find_out], COLUMNS)
    response = Response(file, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="to-find-out.csv"'
    if not current:
        response.headers["Cache-Control"] = "no-store"
    return response


def _row(one: ToFindOut) -> dict[str, object]:
    return {
        **asdict(one.door),
        "find_out": "; ".join(FIND_OUT[name] for name in one.door.lacks),
        "postcodes_mended": one.mends,
        "postcodes_mended_beyond_those_above": one.beyond,
        "postcodes_first_door_with_all": one.whole,
        "page": f"{context.site()}{url_for('directory.place', feature_id=one.door.id)}",
    }
