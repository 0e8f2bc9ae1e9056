"""What every blueprint needs of the running app: its database, borough, catalogue, settings and address."""

from __future__ import annotations

from collections.abc import Callable

from flask import current_app, g, request

from mapservice.database import Database
from mapservice.layers.catalogue import Catalogue
from mapservice.layers.counting import Counts
from mapservice.layers.visibility import Viewer
from mapservice.register.borough import Borough
from mapservice.settings import Settings


def database() -> Database:
    """The app's database."""
    found: Database = current_app.extensions["database"]
    return found


def borough() -> Borough:
    """The borough the service is for."""
    found: Borough = current_app.extensions["borough"]
    return found


def catalogue() -> Catalogue:
    """The layers that there are for whoever asks."""
    found: Catalogue = current_app.extensions["catalogue"]
    return found.visible_to(viewer())


def viewer() -> Viewer:
    """What whoever asks may see, as `app.extensions["viewer"]` found out, once for each request."""
    if "viewer" not in g:
        resolve: Callable[[], Viewer] = current_app.extensions["viewer"]
        g.viewer = resolve()
    found: Viewer = g.viewer
    return found


def counts() -> Counts:
    """What this process counted before."""
    found: Counts = current_app.extensions["counts"]
    return found


def settings() -> Settings:
    """The settings in force."""
    found: Settings = current_app.extensions["settings"]
    return found


def site() -> str:
    """The address of this service without a slash at the end: as configured, else as it was called."""
    return (settings().public_url or request.url_root).rstrip("/")
