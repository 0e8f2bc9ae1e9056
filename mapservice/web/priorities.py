"""Pages about access to green space: which potential space to open first, and who has one near today."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request
from psycopg import Cursor

from mapservice.analysis import files
from mapservice.analysis.access import BOROUGH, SMALL_AREAS, AreaAccess, read_access
from mapservice.analysis.distances import DETOUR, Known, Method, read_edition, read_known
from mapservice.analysis.first import LARGEST_WEIGHT, Candidate, Weights, rank_candidates
from mapservice.analysis.standards import STANDARDS
from mapservice.layers.query import FeatureQuery
from mapservice.saying import english
from mapservice.web import context, reading
from mapservice.web.languages import gettext, lazy_gettext
from mapservice.web.maps import built_map

blueprint = Blueprint("priorities", __name__)
T = TypeVar("T")
MOST_KEPT = 50

METHOD_WORDS: Mapping[Method, str] = {
    "walk": english("the walk along streets and paths, to the entrances that are known"),
    "estimate": english(
        "an estimate of the walk: %(factor)s times the straight line to the nearest entrance, "
        "or to the outline where no entrance is known"
    ),
    "boundary": english("a straight line from the edge of the space, as the published standards measure"),
}
METHOD_NAMES: Mapping[Method, str] = {
    "walk": lazy_gettext("Along streets and paths"),
    "estimate": lazy_gettext("Estimated: straight line × %(factor)s", factor=DETOUR),
    "boundary": lazy_gettext("Straight line from the edge (published method)"),
}
WEIGHT_WORDS = {
    "residents": lazy_gettext("Residents who gain"),
    "deprivation": lazy_gettext("Deprivation where they live"),
    "cost": lazy_gettext("Cost is known"),
    "ownership": lazy_gettext("The owner is a public body"),
}
FACTOR = {"factor": DETOUR}
WHO_GAINS = {
    True: english("residents who would then meet a standard in full"),
    False: english(
        "residents with no 0.5 ha within 200 m who get a space of any size there, "
        "or with no 2 ha within 300 m who get one"
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form asks for, each part put right where it could not be read."""

    weights: Weights
    method: Method
    locality: str
    in_full: bool
    put_right: bool

    @property
    def link(self) -> str:
        """The query of this very result, nothing left to defaults."""
        weights = {field.name: getattr(self.weights, field.name) for field in fields(Weights)}
        full = {"size": "standard"} if self.in_full else {}
        place = {"locality": self.locality} if self.locality else {}
        return urlencode({**weights, "method": self.method, **place, **full})

    @property
    def how(self) -> dict[str, str]:
        """How the result came about, to be written into files: in English."""
        return {
            "weighting": self.weights.words,
            "distances": METHOD_WORDS[self.method] % FACTOR,
            "who_gains": WHO_GAINS[self.in_full],
        }

    @property
    def said(self) -> dict[str, str]:
        """The same on a page, in its language."""
        return {
            "distances": gettext(METHOD_WORDS[self.method], **FACTOR),
            "who_gains": gettext(WHO_GAINS[self.in_full]),
        }


@dataclass(slots=True)
class Answer(Generic[T]):
    """What was worked out for one question, and for which edition of the data."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    edition: object = None
    result: list[T] = field(default_factory=list)


class Answers:
    """The answers of this process, those that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Answer[Any]] = OrderedDict()

    def of(self, question: object) -> Answer[Any]:
        """The place for a question's answer, whether there is one yet or not."""
        with self._lock:
            answer = self._kept.setdefault(question, Answer())
            self._kept.move_to_end(question)
            if len(self._kept) > MOST_KEPT:
                # Whoever works on it still has it.
                self._kept.popitem(last=False)
            return answer


@blueprint.get("/green-spaces/first")
def first() -> str:
    """Which potential green space to open first: the form, the weighting, the order, and what is missing."""
    with context.database().reading() as cursor:
        known = read_known(cursor, context.viewer())
        localities = _localities(cursor)
        asked = read_asked(known, localities)
        candidates = ranked(cursor, asked) if known.residents else []
    return render_template(
        "first.html",
        known=known,
        asked=asked,
        localities=localities,
        candidates=candidates,
        methods=[(method, METHOD_NAMES[method]) for method in known.methods],
        weights=WEIGHT_WORDS,
        largest=LARGEST_WEIGHT,
        built=built_map("small"),
    )


@blueprint.get("/green-spaces/first.csv")
def first_csv() -> Response:
    """The same order as CSV."""
    with context.database().reading() as cursor:
        asked = read_asked(read_known(cursor, context.viewer()), _localities(cursor))
        rows = files.ranking_rows(ranked(cursor, asked), asked.how)
    columns = [*(field.name for field in fields(Candidate)), *asked.how]
    return _file(files.as_csv(rows, columns), "text/csv; charset=utf-8", "which-first.csv")


@blueprint.get("/green-spaces/first.gpkg")
def first_geopackage() -> Response:
    """The same order as a GeoPackage."""
    with context.database().reading() as cursor:
        asked = read_asked(read_known(cursor, context.viewer()), _localities(cursor))
        rows = files.ranking_rows(ranked(cursor, asked), asked.how)
        content = files.as_geopackage(cursor, rows, asked.how)
    return _file(content, "application/geopackage+sqlite3", "which-first.gpkg")


@blueprint.get("/green-spaces/access")
def access() -> str:
    """Who has a green space near today, by locality and by ward of each vintage."""
    with context.database().reading() as cursor:
        known = read_known(cursor, context.viewer())
        asked = read_asked(known, [])
        areas = _access(cursor, asked.method) if known.residents else []
    borough = context.borough()
    titles = {"localities": borough.localities.title, **{s.id: s.title for s in borough.boundary_sets}}
    return render_template(
        "access.html",
        known=known,
        asked=asked,
        whole=next((area for area in areas if area.boundary_set == BOROUGH), None),
        sets=[(title, _of(areas, set_id)) for set_id, title in titles.items() if areas],
        standards=STANDARDS,
        methods=[(method, METHOD_NAMES[method]) for method in known.methods],
    )


@blueprint.get("/green-spaces/access.csv")
def access_csv() -> Response:
    """The same for every area, small areas of the census included, as CSV."""
    with context.database().reading() as cursor:
        asked = read_asked(read_known(cursor, context.viewer()), [])
        areas = _access(cursor, asked.method)
    how = {"distances": asked.how["distances"]}
    named = ["boundary_set", "id", "name", "residents", *(s.id.replace("-", "_") for s in STANDARDS)]
    columns = [*named, "hectares", "square_metres_each", *how]
    return _file(
        files.as_csv(files.access_rows(areas, how), columns), "text/csv; charset=utf-8", "green-access.csv"
    )


def change_of(cursor: Cursor[Any], feature_id: str) -> tuple[Candidate, Asked, int] | None:
    """What opening a potential space would change, how that was reckoned, among how many; None if unknown."""
    known = read_known(cursor, context.viewer())
    if not known.residents:
        return None
    asked = Asked(Weights(), known.methods[0], "", in_full=False, put_right=False)
    candidates = ranked(cursor, asked)
    found = next((candidate for candidate in candidates if candidate.id == feature_id), None)
    return (found, asked, len(candidates)) if found else None


def _access(cursor: Cursor[Any], method: Method) -> list[AreaAccess]:
    return _kept(cursor, (method,), lambda: read_access(cursor, method, context.viewer()))


def ranked(cursor: Cursor[Any], asked: Asked) -> list[Candidate]:
    """The order that was asked for, worked out once for each state of the data."""

    def rank() -> list[Candidate]:
        return rank_candidates(
            cursor,
            asked.method,
            asked.weights,
            context.viewer(),
            locality=asked.locality or None,
            in_full=asked.in_full,
        )

    return _kept(cursor, (asked.method, asked.weights, asked.locality, asked.in_full), rank)


def _kept(cursor: Cursor[Any], asked: tuple[object, ...], work_out: Callable[[], list[T]]) -> list[T]:
    """What takes up to a second to work out, kept until anything it depends on changes."""
    answers: Answers = current_app.extensions.setdefault("priorities", Answers())
    answer: Answer[T] = answers.of((*asked, context.viewer()))
    # Whoever asks the same meanwhile waits for this answer rather than work it out as well.
    with answer.lock:
        # Before the reading, so that a change in between is seen the next time.
        edition = read_edition(cursor)
        if answer.edition != edition:
            answer.result, answer.edition = work_out(), edition
        return answer.result


def read_asked(known: Known, localities: list[str]) -> Asked:
    """What the request asks for, of these localities."""
    given = request.args
    put_right = False
    numbers = {}
    for weight in fields(Weights):
        text = given.get(weight.name)
        number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else None
        put_right |= text is not None and (number is None or number > LARGEST_WEIGHT)
        numbers[weight.name] = cast(int, weight.default) if number is None else min(number, LARGEST_WEIGHT)
    weights = Weights(**numbers)
    if not weights.total:
        weights, put_right = Weights(), True
    method = given.get("method", "")
    put_right |= bool(method) and method not in known.methods
    locality = given.get("locality", "")
    return Asked(
        weights,
        next((one for one in known.methods if one == method), known.methods[0]),
        locality if locality in localities else "",
        in_full=given.get("size") == "standard",
        put_right=put_right,
    )


def _localities(cursor: Cursor[Any]) -> list[str]:
    layer = context.catalogue().get("localities")
    if layer is None:
        return []
    page = reading.feature_page(cursor, layer, FeatureQuery(limit=100))
    return [feature.properties["name"] for feature in page.features]


def _of(areas: Sequence[AreaAccess], set_id: str) -> list[AreaAccess]:
    return [area for area in areas if area.boundary_set == set_id != SMALL_AREAS]


def _file(content: bytes, media_type: str, name: str) -> Response:
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
