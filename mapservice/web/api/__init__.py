"""The API: OGC API – Features over the layer catalogue, and the look-ups that maps and clients need."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mapservice.layers.query import BadQuery
from mapservice.web.problems import Problem, from_bad_query, problem_response
from mapservice.web.security import OPEN_TO_READ

api = Blueprint("api", __name__, url_prefix="/api")

from mapservice.web.api import (  # noqa: E402 - they add their routes to the blueprint
    changes,  # noqa: F401
    describing,  # noqa: F401
    docs,  # noqa: F401
    features,  # noqa: F401
    nearby,  # noqa: F401
    routes,  # noqa: F401
    tiles,  # noqa: F401
    writing,  # noqa: F401
)


@api.errorhandler(Problem)
def tell_problem(problem: Problem) -> Response:
    """An error as problem details."""
    return problem_response(problem)


@api.errorhandler(BadQuery)
def tell_mistakes(error: BadQuery) -> Response:
    """Wrong parameters as problem details that list every one."""
    return problem_response(from_bad_query(error))


@api.after_request
def allow_reading_from_anywhere(response: Response) -> Response:
    """CORS: the API is public to read, without credentials."""
    for name, value in OPEN_TO_READ.items():
        response.headers[name] = value
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, If-None-Match, Prefer"
        response.headers["Access-Control-Max-Age"] = "86400"
    response.vary.add("Accept")
    return response
