"""What a locality's meeting works with: the pack, printed or as files, and when the meetings were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from mapservice.accounts.permissions import Action
from mapservice.analysis.distances import Known, read_known
from mapservice.analysis.first import Candidate
from mapservice.layers.formats import FORMAT_BY_ID
from mapservice.maps.drawn import draw_map
from mapservice.survey import meetings
from mapservice.survey.happened import Happened, read_happened
from mapservice.survey.pack import (
    Shown,
    newest_photographs,
    read_drafts,
    read_licences,
    spaces_file,
    without_examples,
)
from mapservice.survey.spaces import corners
from mapservice.survey.storage import folder_of, path_of
from mapservice.web import context, frontend, identity, paper, reading
from mapservice.web.api.downloads import file_name
from mapservice.web.frame import now
from mapservice.web.languages import gettext
from mapservice.web.priorities import Asked, ranked, read_asked

blueprint = Blueprint("pack", __name__, url_prefix="/review")

Answer = str | tuple[str, int] | BaseResponse
MOST_NUMBERED = 30
"""More numbers than these cannot be told apart on the map; the table has them all."""
LAYERS = ("potential-green-spaces", "green-spaces")


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything a pack shows of one locality."""

    locality: reading.Feature
    today: date
    last: date | None
    happened: Happened
    photographs: list[Shown]
    drafts: frozenset[str]
    licences: list[tuple[str, str]]
    known: Known
    asked: Asked
    candidates: list[Candidate]
    drawing: Markup
    on_map: frozenset[int]


@blueprint.get("/meetings")
@identity.needs(Action.SEE_QUEUE)
def show_meetings() -> str:
    """The localities of whoever asks: when each met, its pack, and a form to note a meeting."""
    return _meetings({})


@blueprint.post("/meetings")
@identity.needs(Action.MOVE_STAGE)
def note_meeting() -> Answer:
    """Note that a locality met on a day, or take that back."""
    locality = _locality(request.form.get("locality", ""))
    identity.demand(Action.MOVE_STAGE, locality.id)
    try:
        day = date.fromisoformat(request.form.get("held_on", "").strip())
    except ValueError:
        return _meetings({f"held-on-{locality.id}": gettext("Enter the day of the meeting")}), 400
    if day > now().date():
        return _meetings({f"held-on-{locality.id}": gettext("Enter a day that has come")}), 400
    account = identity.this_account()
    with context.database().session(account.actor) as session:
        if "forget" in request.form:
            meetings.forget_meeting(session, locality.id, day)
        else:
            meetings.note_meeting(session, locality.id, day, account.id)
    return redirect(url_for("pack.show_meetings"), 303)


@blueprint.get("/pack")
@identity.needs(Action.SEE_QUEUE)
def show() -> Answer:
    """The pack of a locality: one page, made to be printed."""
    if not request.args.get("locality"):
        return redirect(url_for("pack.show_meetings"), 303)
    return _page(_papers(_allowed(Action.SEE_QUEUE)))


@blueprint.get("/pack.pdf")
@identity.needs(Action.SEE_QUEUE)
def pdf() -> Answer:
    """The same page as a PDF; the page itself, which says so, where none can be made."""
    if not request.args.get("locality"):
        return redirect(url_for("pack.show_meetings"), 303)
    locality = _allowed(Action.SEE_QUEUE)
    if not paper.can_be_made():
        return redirect(f"{url_for('pack.show')}?{request.query_string.decode(errors='replace')}", 303)
    papers = _papers(locality)
    uploads = folder_of(context.settings().var_dir)
    files = {
        f"/files/{shown.id}": (path_of(uploads, shown.sha256), shown.media_type)
        for shown in papers.photographs
    }
    for name in ("site.css", "site.rtl.css"):
        asset = frontend.asset_path(name)
        files[url_for("static", filename=asset)] = (frontend.STATIC / asset, "text/css")
    content = paper.as_pdf(_page(papers), context.site(), files)
    return _sent(content, "application/pdf", locality, "pack", ".pdf")


@blueprint.get("/pack.<any(gpkg, csv):ending>")
@identity.needs(Action.EXPORT_DRAFTS)
def file(ending: str) -> Answer:
    """The locality's potential green spaces, or with `layer` the existing ones, drafts included."""
    if not request.args.get("locality"):
        return redirect(url_for("pack.show_meetings"), 303)
    locality = _allowed(Action.EXPORT_DRAFTS)
    wanted = request.args.get("layer", LAYERS[0])
    layer = context.catalogue().get(wanted)
    if layer is None or wanted not in LAYERS:
        abort(404)
    form = FORMAT_BY_ID[ending]
    with context.database().reading() as cursor:
        content = spaces_file(
            cursor, layer, locality.properties["name"], context.viewer(), form, context.site()
        )
    return _sent(content, form.media_type, locality, layer.id, form.ending)


def _papers(locality: reading.Feature) -> Papers:
    name, today, viewer = locality.properties["name"], now().date(), context.viewer()
    with context.database().reading() as cursor:
        known = read_known(cursor, viewer)
        asked = replace(read_asked(known, []), locality=name)
        candidates = ranked(cursor, asked)
        # The ranking has what was made up for demonstration only where there is nothing else.
        examples = any(one.demonstration for one in candidates)
        licences = read_licences(cursor, name, viewer, examples)
        layers = [layer for layer in context.catalogue() if layer.id in ("localities", *LAYERS)]
        if locality.geometry is None:
            raise ValueError(f"{locality.id} lies nowhere")
        (west, south), (east, north) = box = corners(locality.geometry)
        drawn = draw_map(
            cursor,
            [layer if examples or layer.id not in LAYERS else without_examples(layer) for layer in layers],
            viewer,
            ((west + east) / 2, (south + north) / 2),
            [(one.place, (one.longitude, one.latitude)) for one in candidates[:MOST_NUMBERED]],
            gettext("Map of %(area)s with the potential green spaces, numbered as in the table", area=name),
            marked=False,
            also=box,
        )
    with context.database().session(identity.this_account().actor) as session:
        last = meetings.last_meeting(session, locality.id, today)
        happened = read_happened(session, locality.id, meetings.since(last, today), viewer).of_real_places()
        spoken_of = list(
            dict.fromkeys([*(one.id for one in candidates), *(story.id for story in happened.stories)])
        )
        photographs = newest_photographs(session, spoken_of, viewer)
        drafts = read_drafts(session, spoken_of)
    return Papers(
        locality=locality,
        today=today,
        last=last,
        happened=happened,
        photographs=photographs,
        drafts=drafts,
        licences=licences,
        known=known,
        asked=asked,
        candidates=candidates,
        drawing=Markup(drawn.svg),  # noqa: S704 - numbers and our own words
        on_map=drawn.on_it,
    )


def _page(papers: Papers) -> str:
    return render_template(
        "survey/pack.html",
        papers=papers,
        can_be_pdf=paper.can_be_made(),
        first_look=meetings.FIRST_LOOK.days,
    )


def _meetings(errors: dict[str, str]) -> str:
    account = identity.this_account()
    with context.database().reading() as cursor:
        localities = reading.localities(cursor)
    with context.database().session(account.actor) as session:
        listed = [
            (locality, meetings.meetings_of(session, locality.id))
            for locality in localities
            if account.may(Action.SEE_QUEUE, locality.id)
        ]
    return render_template(
        "survey/meetings.html", listed=listed, today=now().date(), errors=errors, typed=request.form
    )


def _allowed(action: Action) -> reading.Feature:
    """The locality asked for by its id or name, for who may do this there: else 404 or 403."""
    locality = _locality(request.args["locality"])
    identity.demand(action, locality.id)
    return locality


def _locality(wanted: str) -> reading.Feature:
    with context.database().reading() as cursor:
        for locality in reading.localities(cursor):
            if wanted in (locality.id, locality.properties["name"]):
                return locality
    abort(404)


def _sent(content: bytes, media_type: str, locality: reading.Feature, what: str, ending: str) -> Response:
    response = Response(content, content_type=media_type)
    name = file_name(context.borough().short_name, f"{locality.id}-{what}", None, ending)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = identity.NEVER_KEPT
    return response
