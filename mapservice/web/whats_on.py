"""What's on: events and activities by day, and calendars to subscribe to."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, abort, render_template, request

from mapservice.services.calendars import calendar_of
from mapservice.services.occurrences import by_day, happenings, sessions_of
from mapservice.services.offers import PlaceKind, offers, offers_at
from mapservice.web import context, frame, reading
from mapservice.web.asking import NEEDS

blueprint = Blueprint("whats_on", __name__)
DAYS_SHOWN = 28
MOST_SHOWN = 100
ICALENDAR = "text/calendar; charset=utf-8"


@blueprint.get("/whats-on")
def whats_on() -> str:
    """Events and activities from a day on, by locality and need; or the made-up examples."""
    need = request.args.get("need", "")
    need = need if need in {value for value, *_ in NEEDS} else ""
    examples = request.args.get("examples") == "yes"
    first = _day(request.args.get("from", "")) or frame.now().date()
    with context.database().reading() as cursor:
        areas = reading.localities(cursor)
        localities = [area.properties["name"] for area in areas]
        locality = request.args.get("locality", "")
        locality = locality if locality in localities else ""
        found = happenings(
            cursor,
            first,
            first + timedelta(days=DAYS_SHOWN - 1),
            need=need or None,
            locality=locality or None,
            examples=examples,
            viewer=context.viewer(),
            limit=MOST_SHOWN + 1,
        )
    return render_template(
        "whats_on.html",
        more=len(found) > MOST_SHOWN,
        days=list(by_day(found[:MOST_SHOWN])),
        first=first,
        last=first + timedelta(days=DAYS_SHOWN - 1),
        needs=NEEDS,
        need=need,
        localities=localities,
        locality=locality,
        calendars=[(area.id, area.properties["name"]) for area in areas],
        examples=examples,
    )


@blueprint.get("/<any(assets, 'green-spaces'):kind>/<place_id>/calendar.ics")
def place_calendar(kind: PlaceKind, place_id: str) -> Response:
    """The sessions at one place, for a calendar program."""
    page = reading.ASSETS if kind == "assets" else reading.GREEN_SPACES
    with context.database().reading() as cursor:
        found = reading.one_feature(cursor, page, place_id)
        if found is None:
            abort(404)
        here = offers_at(cursor, [found.id], kind, context.viewer()).get(found.id, [])
        body = calendar_of(str(found.properties["name"]), context.site(), here, sessions_of(cursor, here))
    return Response(body, content_type=ICALENDAR)


@blueprint.get("/localities/<area_id>/calendar.ics")
def locality_calendar(area_id: str) -> Response:
    """The sessions in one locality, for a calendar program."""
    with context.database().reading() as cursor:
        names = {area.id: area.properties["name"] for area in reading.localities(cursor)}
        if area_id not in names:
            abort(404)
        here = offers(cursor, locality=names[area_id], viewer=context.viewer())
        body = calendar_of(
            f"{context.borough().short_name}: {names[area_id]}",
            context.site(),
            here,
            sessions_of(cursor, here),
        )
    return Response(body, content_type=ICALENDAR)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None
