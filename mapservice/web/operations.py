"""For those who run the service: is it alive, is it ready."""

from __future__ import annotations

import logging

import psycopg
from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from mapservice.web import context

log = logging.getLogger(__name__)
blueprint = Blueprint("operations", __name__, url_prefix="/health")


@blueprint.after_request
def never_kept(response: Response) -> Response:
    """Health is about now."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/live")
def live() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """The database answers and holds a borough; 503 with the reason where it does not."""
    try:
        with context.database().reading() as cursor:
            row = cursor.execute("SELECT name FROM register.borough").fetchone()
    except psycopg.errors.UndefinedTable:
        return jsonify(status="not ready", reason="the tables are not set up"), 503
    except (psycopg.Error, SQLAlchemyError) as error:
        log.warning("not ready: %s", error)
        return jsonify(status="not ready", reason="the database does not answer"), 503
    if row is None:
        return jsonify(status="not ready", reason="no borough is loaded"), 503
    return jsonify(status="ready", borough=row[0]), 200
