"""What every page shares: templates, filters, the borough's names and telephone, and pages for errors."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from flask import Flask, Response, make_response, render_template, request, url_for
from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.local import LocalProxy

from mapservice.layers.catalogue import Catalogue
from mapservice.maps.symbols import symbol_svg
from mapservice.register.borough import Borough
from mapservice.register.opening_hours import LONDON
from mapservice.web import contacts, frontend, languages, offline, words
from mapservice.web.keeping import KeptParts
from mapservice.web.languages import lazy_gettext
from mapservice.web.opening_words import opening_words
from mapservice.web.problems import Problem, problem_response

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
NAVIGATION = (
    (lazy_gettext("Find help"), "/find"),
    (lazy_gettext("Map"), "/map"),
    (lazy_gettext("Places"), "/assets"),
    (lazy_gettext("Green spaces"), "/green-spaces"),
    (lazy_gettext("What’s on"), "/whats-on"),
    (lazy_gettext("Data"), "/data"),
)
DATABASE_AWAY = (psycopg.OperationalError, OperationalError, PoolTimeout)
RETRY_AFTER_S = 10
TOO_LONG = "This took longer than an answer may take. Ask for less: a smaller area, fewer features."


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """What an error page says: what happened, and what the person can do now."""

    title: str
    what: str


ERRORS = {
    400: ErrorWords(
        lazy_gettext("We could not read that"),
        lazy_gettext(
            "Something in the address or the form was not what we expected. Go back, or start from here."
        ),
    ),
    403: ErrorWords(
        lazy_gettext("You may not do that here"),
        lazy_gettext(
            "Your account does not let you. If it should, ask an administrator; or go on from here."
        ),
    ),
    404: ErrorWords(
        lazy_gettext("We could not find that page"),
        lazy_gettext(
            "The link may be old, or the address may be mistyped. What you need is probably one of these."
        ),
    ),
    405: ErrorWords(
        lazy_gettext("That does not work here"), lazy_gettext("Please start again from one of these.")
    ),
    410: ErrorWords(
        lazy_gettext("That page has gone"),
        lazy_gettext("What it described is no longer listed. One of these may help instead."),
    ),
    413: ErrorWords(
        lazy_gettext("That was too much to send at once"),
        lazy_gettext(
            "Nothing was sent. Go back: what you wrote is still in the form. Choose fewer photographs, or "
            "smaller ones of at most 12 MB each."
        ),
    ),
    429: ErrorWords(
        lazy_gettext("Please wait a moment"),
        lazy_gettext("We had a great many requests from where you are. Wait a minute, then try again."),
    ),
    500: ErrorWords(
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("It is not your fault, and we have made a note of it. Try again in a minute, or ring."),
    ),
    503: ErrorWords(
        lazy_gettext("We cannot reach our records just now"),
        lazy_gettext("Try again in a minute. If you need help now, please ring."),
    ),
}


class PageTemplate(Template):
    """A template whose imports are made once.

    For each import of each page Jinja looks whether the page has globals of its own; none of ours has.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return super()._get_default_module()


def init_frame(app: Flask, geodata: Path) -> None:
    """Give the app its templates, what they use, and its error pages.

    Needs ``app.extensions["borough"]`` and ``app.extensions["catalogue"]``. Sets
    ``app.extensions["contacts"]``. Raises BoroughFileError when the telephone of last resort is missing.
    """
    borough: Borough = app.extensions["borough"]
    book = contacts.ContactBook(app.extensions["database"], borough, contacts.read_shipped(geodata))
    app.extensions["contacts"] = book
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(TEMPLATES),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    env = app.jinja_env
    env.template_class = PageTemplate
    env.trim_blocks = env.lstrip_blocks = True
    env.policies["ext.i18n.trimmed"] = True
    env.add_extension(KeptParts)
    languages.init_languages(app, pseudo=app.extensions["settings"].pseudo_languages)
    env.filters.update(
        words=words.words,
        access=words.access_words,
        access_note=words.access_note_words,
        stage=words.stage_words,
        listed=words.listed,
        hours=words.hours_lines,
        hours_grouped=words.hours_grouped,
        distance=words.distance_words,
        area=words.area_words,
        day=words.day_words,
        needs=words.need_words,
        clock=offline.clock,
        tel=words.telephone_link,
        ringable=words.with_telephone_links,
        opening=lambda found: opening_words(found, now()),
    )
    env.tests.update(ring_first=words.ring_first)
    env.globals.update(
        asset=lambda name: url_for("static", filename=frontend.asset_path(name)),
        symbol=lambda layer: Markup(symbol_svg(layer.style)),  # noqa: S704 - made by us, from the catalogue
        symbol_for=lambda layer_ids: symbol_for(app.extensions["catalogue"], layer_ids or ()),
        borough=borough,
        service_name=lazy_gettext("%(borough)s community map", borough=borough.short_name),
        last_resort=LocalProxy(lambda: book.last_resort),
        navigation=NAVIGATION,
        now=now,
        may_be_kept=offline.may_be_kept,
        words_script=languages.script_address,
    )
    app.register_error_handler(HTTPException, error_page)


def now() -> datetime:
    """What the clocks here show, whatever the server's clock is set to."""
    return datetime.now(LONDON)


def symbol_for(catalogue: Catalogue, layer_ids: Iterable[str]) -> Markup:
    """The symbol a place has on the map: that of the first of its layers; none for none."""
    layer = next((found for layer_id in layer_ids if (found := catalogue.get(layer_id))), None)
    return Markup(symbol_svg(layer.style)) if layer else Markup("")  # noqa: S704 - made by us


def error_page(error: HTTPException) -> Response:
    """An error as a page with a way forward, or as problem details under ``/api``."""
    original = getattr(error, "original_exception", None)
    if isinstance(error, InternalServerError) and isinstance(original, DATABASE_AWAY):
        log.error("the database did not answer: %s", type(original).__name__)
        slow = isinstance(original, psycopg.errors.QueryCanceled)
        error = ServiceUnavailable(TOO_LONG if slow else None, retry_after=RETRY_AFTER_S)
    code = error.code or 500
    said = ERRORS.get(code) or ERRORS[500 if code >= 500 else 400]
    if request.path == "/api" or request.path.startswith(("/api/", "/openreferral/3.0")):
        response = problem_response(Problem(code, str(error.description or said.what)))
    else:
        response = make_response(render_template("error.html", code=code, said=said), code)
    # What the exception itself has to say in headers: Allow, Retry-After.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response
