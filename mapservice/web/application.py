"""Wires the rooms into one Flask application."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from mapservice.database import Database
from mapservice.finder.searches import Tally
from mapservice.layers.catalogue import build_catalogue
from mapservice.layers.counting import Counts
from mapservice.maps import base_map
from mapservice.register.borough import read_borough
from mapservice.settings import Settings, load_settings
from mapservice.web import (
    caching,
    compression,
    frame,
    identity,
    openreferral,
    operations,
    pages,
    promise,
    ready,
    requests,
    security,
    watching,
    wishes,
)
from mapservice.web.api import api, direct, listing
from mapservice.web.api.answers import cell

MAX_BODY_BYTES = 2 * 1024 * 1024


def build_application(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """The application for some settings and a database; see `mapservice.create_app`."""
    settings = settings or load_settings()
    app = Flask("mapservice.web", static_folder="static", template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, TRUSTED_HOSTS=_trusted_hosts(settings))
    app.extensions["settings"] = settings
    app.extensions["database"] = database or Database.connect(settings)
    app.extensions["borough"] = read_borough(settings.geodata_dir)
    app.extensions["catalogue"] = build_catalogue(app.extensions["borough"])
    app.extensions["counts"] = Counts()
    app.extensions["descriptions"] = listing.Descriptions(app.extensions["counts"])
    app.extensions["searches"] = Tally(app.extensions["database"])
    identity.init_identity(app, settings)
    requests.init_requests(app)
    watching.init_watching(app)
    frame.init_frame(app, settings.geodata_dir)
    wishes.init_wishes(app)
    app.jinja_env.filters["cell"] = cell
    compression.init_compression(app)
    tiles = base_map(settings.basemap, settings.basemap_url, settings.basemap_attribution)
    security.init_security(app, basemap_url=tiles.url if tiles else None, public_url=settings.public_url)
    app.register_blueprint(api)
    app.register_blueprint(openreferral.blueprint)
    identity.csrf.exempt(api)  # it believes no cookie when something is to change
    app.register_blueprint(operations.blueprint)
    pages.register_pages(app)
    promise.init_promise(app)
    _keep_answers(app, settings)
    return app


def _keep_answers(app: Flask, settings: Settings) -> None:
    """Put the kept answers in front. Another edition of code or borough shares no entity tag with this."""
    package = Path(__file__).resolve().parents[1]
    newest = max(path.stat().st_mtime_ns for path in package.rglob("*") if path.suffix in (".py", ".html"))
    edition = caching.fingerprint(newest, app.extensions["borough"], settings.public_url)
    app.wsgi_app = direct.DirectAnswers(app)  # type: ignore[method-assign]
    kept = caching.CachedAnswers(app, settings.response_cache_mb * 1024 * 1024, edition)
    app.wsgi_app = kept  # type: ignore[method-assign]
    app.extensions[ready.EXTENSION] = ready.ReadyAnswers(kept)


def _trusted_hosts(settings: Settings) -> list[str] | None:
    """The names under which a request may come in: what it says of itself ends up in links.

    Where the service listens to other machines and nobody said under which address, any name may be right.
    """
    own = ["localhost", "127.0.0.1", "[::1]"]
    if settings.public_url:
        return [*own, str(urlsplit(settings.public_url).hostname)]
    return own if settings.host in ("127.0.0.1", "::1", "localhost") else None
