"""Suggesting a green space: the form, with and without a script."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import MultiDict
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from mapservice.accounts import attempts
from mapservice.accounts.attempts import TooMany
from mapservice.accounts.permissions import Action
from mapservice.register.vocabulary import GREEN_SPACE_ACCESS, LAND_NOW, OWNER_KINDS
from mapservice.survey import outlines, whereabouts
from mapservice.survey.nearby import near
from mapservice.survey.outlines import Overlap, Unreadable
from mapservice.survey.people import ANYBODY
from mapservice.survey.photographs import ACCEPTED
from mapservice.survey.spaces import NoSuchSpace, Refused
from mapservice.survey.storage import DISK_FULL, NoRoom
from mapservice.survey.submitting import (
    MOST_PHOTOGRAPHS,
    SAID,
    Received,
    Sent,
    is_repeat,
    read_fields,
    submit,
)
from mapservice.web import context, identity
from mapservice.web.accounts.waiting import wait_words
from mapservice.web.languages import gettext
from mapservice.web.maps import built_map
from mapservice.web.survey import uploads
from mapservice.web.survey.kept import kept_page
from mapservice.web.survey.sender import SomebodyElse, kept_waiting, seen_by, sender, who
from mapservice.web.survey.uploads import Uploads
from mapservice.web.survey.words import mistakes_words
from mapservice.web.words import in_words

blueprint = Blueprint("suggesting", __name__)

Answer = str | tuple[str, int] | WerkzeugResponse
Mistakes = dict[str, str]

NO_UPLOADS = Uploads((), ())


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not taken: what is wrong, by field, and the status that says so."""

    mistakes: Mistakes
    status: int = 400
    wait_s: int | None = None


@blueprint.url_value_preprocessor
def allow_photographs(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Here more may be sent than elsewhere; what is over half a megabyte goes to the disk as it comes."""
    if request.method == "POST":
        request.max_content_length = uploads.MOST_BODY_BYTES


@blueprint.errorhandler(OSError)
def no_room_for_the_form(error: OSError) -> WerkzeugResponse:
    """The disk was full before the form had come in; the browser, or the telephone, still has it."""
    if error.errno not in (*DISK_FULL, errno.ENFILE):
        raise error
    return make_response(render_template("survey/no_room.html"), 507)


@blueprint.after_request
def tell_nobody(response: Response) -> Response:
    """Addresses and forms here belong to one person: no other site is told them, nothing of them is kept."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = identity.NEVER_KEPT
    return response


@blueprint.get("/green-spaces/suggest")
@identity.needs(Action.SUGGEST)
def form() -> Answer:
    """The empty form."""
    return page(MultiDict(), {}, NO_UPLOADS)


@blueprint.post("/green-spaces/suggest")
@identity.needs(Action.SUGGEST)
def send() -> Answer:
    """Take a suggestion in, or say what is to be put right; nothing that was written is lost."""
    typed = request.form
    # What comes from a telephone where it waited is asked no questions: nobody may be there to answer.
    certain = bool(typed.get("different") or typed.get("waited"))

    def read(sent: Sent, uploaded: Uploads) -> tuple[Sent, Mistakes]:
        return read_place(replace(sent, certain=certain), typed)

    return receive("space", page, read)


@blueprint.get("/green-spaces/suggest/token")
@identity.needs(Action.SUGGEST)
def token() -> WerkzeugResponse:
    """What is sent with a form that was written without signal: the token it would hold by now, and whose."""
    return jsonify(csrf_token=generate_csrf(), who=who())


@blueprint.get("/green-spaces/waiting")
@identity.needs(Action.SUGGEST)
def waiting() -> Answer:
    """What was written on this telephone and is not sent yet, which the telephone alone knows."""
    return render_template("survey/waiting.html")


def page(typed: MultiDict[str, str], mistakes: Mistakes, uploaded: Uploads) -> str:
    """The form as it was filled in."""
    found = None
    if typed.get("place") and not typed.get("geometry"):
        with context.database().reading() as cursor:
            found = whereabouts.find(cursor, typed.get("place", ""))
    known = []
    if found:
        with context.database().session(ANYBODY) as session:
            known = near(session, found.longitude, found.latitude, typed.get("name", ""), context.viewer())
    return render_template(
        "survey/suggest.html",
        typed=typed,
        errors=mistakes,
        uploaded=uploaded,
        known=known,
        overlaps=_overlaps(typed) if "different" in mistakes or typed.get("different") else (),
        submission_id=read_id(typed),
        built=built_map("draw"),
        has_streets=context.settings().basemap != "none",
        land_now=LAND_NOW,
        owner_kinds=OWNER_KINDS,
        access=GREEN_SPACE_ACCESS,
        accepted=ACCEPTED,
        most_photographs=MOST_PHOTOGRAPHS,
    )


def receive(
    kind: Any,
    refused: Callable[[MultiDict[str, str], Mistakes, Uploads], str],
    read: Callable[[Sent, Uploads], tuple[Sent, Mistakes]] = lambda sent, _: (sent, {}),
    green_space_id: str | None = None,
) -> Answer:
    """Take in what a form sent. `refused` shows the form again, `read` adds what this form has of its own."""
    typed = request.form
    sent = Sent(
        id=read_id(typed),
        kind=kind,
        fields={name: typed.get(name, "") for name in SAID},
        written_at=read_moment(typed.get("written_at", "")),
        green_space_id=green_space_id,
    )
    uploaded = NO_UPLOADS
    files = request.files.getlist("photographs")

    def refuse(problem: Problem, uploaded: Uploads) -> Answer:
        places = [upload.place for upload in uploaded.places]
        return refused_answer(problem, lambda: refused(typed, problem.mistakes, uploaded), places)

    try:
        account = sender()
        if account is None:
            count(sent, with_files=any(file.filename for file in files))
        uploaded = uploads.take(files, typed.getlist("kept"))
        sent, mistakes = read(replace(sent, photographs=uploaded.photographs), uploaded)
        mistakes = _in_order({**_mistakes_of(sent), **mistakes}, uploaded)
        if mistakes:
            return refuse(Problem(mistakes), uploaded)
        with context.database().session(account.actor if account else ANYBODY) as session:
            received = submit(session, sent, account, seen_by(account))
    except SomebodyElse:
        return kept_waiting()
    except TooMany as late:
        # The telephone waits by itself; a person is told, and has the form with all that was in it.
        problem = Problem({"": wait_words(late)}, 429, late.seconds)
        return refuse(problem, _only_known(typed))
    except NoRoom:
        words = gettext(
            "Your photographs cannot be kept just now: there is no room left for them. What you wrote is all "
            "still here. Send it again later, or send it without photographs."
        )
        return refuse(Problem({"photographs": words}, 507), _only_known(typed))
    except Refused as error:
        return refuse(Problem(mistakes_words(error)), uploaded)
    except NoSuchSpace:
        return gone()
    address = url_for("outcome.show", submission_id=sent.id if received.new else received.submission_id)
    return received_answer(received, address, f"{address}?sent=1")


def gone() -> Answer:
    """What was written is about a space that is no longer there."""
    if not wants_json():
        return kept_page(404)
    words = gettext("This space is no longer on the map. Copy what you need of what you wrote")
    return refused_answer(Problem({"": words}, 404), str)


def read_id(typed: Mapping[str, str]) -> uuid.UUID:
    """The id that the form was made with; a new one where it has none that can be one."""
    try:
        given = uuid.UUID(typed.get("id", ""))
    except ValueError:
        return uuid.uuid4()
    return given if given.version == 4 else uuid.uuid4()


def read_place(sent: Sent, typed: Mapping[str, str]) -> tuple[Sent, Mistakes]:
    """What is sent with its place: drawn, or else named by words, or else where a photograph was taken."""
    drawn = typed.get("geometry", "")
    if drawn:
        try:
            geometry = outlines.read_geometry(_json(drawn))
            entrances = outlines.read_entrances(_json(typed.get("entrances") or "[]"))
        except Unreadable as error:
            return sent, {"place": in_words(error)}
        return replace(sent, geometry=geometry, entrances=entrances), {}
    words = typed.get("place", "").strip() or typed.get("at_photograph", "").strip()
    if not words:
        return sent, {
            "place": gettext("Say where it is: a postcode, a street, a grid reference, or a spot on the map")
        }
    with context.database().reading() as cursor:
        found = whereabouts.find(cursor, words)
    if found is None:
        return sent, {
            "place": gettext(
                "We do not know that place. Enter a postcode nearby such as N1 1AA, the name of a street, or "
                "a grid reference such as TQ 312 834"
            )
        }
    point = {"type": "Point", "coordinates": [found.longitude, found.latitude]}
    fields = {**sent.fields, "place": str(found.said)} if found.said else sent.fields
    return replace(sent, geometry=point, postcode=found.postcode, fields=fields), {}


def _mistakes_of(sent: Sent) -> Mistakes:
    try:
        read_fields(sent)
    except Refused as error:
        return mistakes_words(error)
    return {}


def _in_order(mistakes: Mistakes, uploaded: Uploads) -> Mistakes:
    """What is wrong in the order of the form, so that the summary reads like it."""
    if uploaded.mistakes:
        mistakes = {**mistakes, "photographs": ". ".join(uploaded.mistakes)}
    order = ("place", "different", "current_use", "name", "photographs")
    return dict(sorted(mistakes.items(), key=lambda one: order.index(one[0]) if one[0] in order else 9))


def count(sent: Sent, *, with_files: bool = False) -> None:
    """Count what comes without an account, but not the same words sent again. Raises TooMany."""
    with context.database().session(ANYBODY) as session:
        if with_files or not is_repeat(session, sent):
            address = identity.where_from().address
            attempts.attempt(session, identity.door().key, attempts.SUGGESTION, ANYBODY, address)


def _only_known(typed: MultiDict[str, str]) -> Uploads:
    return uploads.take((), typed.getlist("kept"))


def _overlaps(typed: Mapping[str, str]) -> Sequence[Overlap]:
    try:
        geometry = outlines.read_geometry(_json(typed.get("geometry", "")))
    except Unreadable:
        return ()
    with context.database().session(ANYBODY) as session:
        return outlines.check(session, geometry, context.viewer()).overlaps


def refused_answer(problem: Problem, page: Callable[[], str], places: Sequence[str] = ()) -> WerkzeugResponse:
    """Why something was not taken, to a script or as a page; `places` are where photographs were taken."""
    if wants_json():
        said: Sequence[dict[str, str]] = [
            {"field": field, "reason": reason} for field, reason in problem.mistakes.items()
        ]
        response = jsonify(mistakes=said, places=places)
    else:
        response = make_response(page())
    response.status_code = problem.status
    if problem.wait_s is not None:
        response.headers["Retry-After"] = str(problem.wait_s)
    return response


def received_answer(received: Received, address: str, onwards: str) -> WerkzeugResponse:
    """That it was taken: the address that says what becomes of it, and where to go on to."""
    if wants_json():
        response = jsonify(address=address, onwards=onwards, new=received.new)
        response.status_code = 201 if received.new else 200
        return response
    return redirect(onwards, 303)


def wants_json() -> bool:
    """Whether a script asks, which shows the answer itself."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def _json(written: str) -> Any:
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError:
        return None


def read_moment(written: str) -> datetime | None:
    """The moment at which a script says that something was written."""
    try:
        moment = datetime.fromisoformat(written[:40])
    except ValueError:
        return None
    # Beyond these, moments of different time zones can no longer be compared.
    return moment if moment.tzinfo and 2000 < moment.year < 3000 else None
