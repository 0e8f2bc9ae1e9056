"""What works without signal: the worker that keeps the last answer, the page of numbers, the manifest."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for
from werkzeug import Response as WerkzeugResponse

from mapservice.web import context, frontend
from mapservice.web.contacts import ContactBook

blueprint = Blueprint("offline", __name__)

WORKER = "/worker.js"
ICON_SIZES = (192, 512)
# Cookies that say nothing of who somebody is.
HARMLESS_COOKIES = frozenset({"lang"})


def may_be_kept() -> bool:
    """Whether the browser may keep this page: never one of somebody who may be signed in."""
    harmless = HARMLESS_COOKIES
    if set(session) == {"csrf_token"}:  # whoever has only opened a form is nobody yet
        harmless = harmless | {current_app.config["SESSION_COOKIE_NAME"]}
    return not set(request.cookies) - harmless and "Authorization" not in request.headers


@blueprint.get("/find/offline")
def numbers() -> str:
    """Whom to ring, for when nothing else can be had: the page the browser keeps beside the last answer."""
    book: ContactBook = current_app.extensions["contacts"]
    last_resort = context.borough().last_resort_contact
    phones = tuple(contact for contact in book.for_need(None) if contact.id != last_resort)
    return render_template("offline.html", phones=phones)


@blueprint.get("/find/last")
def last() -> WerkzeugResponse:
    """Where the browser shows the kept answer while there is no signal. With one, one asks anew."""
    return redirect(url_for("finder.find"))


@blueprint.get(WORKER)
def worker() -> Response:
    """The worker for this edition of styles and scripts: another edition is another worker."""
    script = (frontend.STATIC / frontend.asset_path("worker.js")).read_text()
    files = [url_for("static", filename=frontend.asset_path(name)) for name in ("site.css", "site.js")]
    version = hashlib.sha256(f"{files} {script}".encode()).hexdigest()[:12]
    given = json.dumps({"version": version, "files": files})
    response = Response(f"self.mapservice = {given};\n{script}", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """How the service looks among the programs of a phone."""
    name = context.borough().short_name
    icons = [
        {
            "src": url_for("static", filename=f"icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for size in ICON_SIZES
    ]
    icons.append({"src": url_for("static", filename="icon.svg"), "sizes": "any", "type": "image/svg+xml"})
    document = {
        "name": f"{name} community map",
        "short_name": name,
        "id": "/",
        "start_url": "/find",
        "scope": "/",
        "display": "minimal-ui",
        "background_color": "#ffffff",
        "theme_color": "#0b5a57",
        "icons": icons,
    }
    return Response(json.dumps(document), mimetype="application/manifest+json")


def clock(moment: datetime) -> str:
    """The time of day as it stands on a clock: ``14:05``."""
    return f"{moment:%H:%M}"
