"""Problem details (RFC 9457): what the API says when it cannot do what was asked."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, request

from mapservice.layers.query import BadQuery, Mistake

PROBLEM_JSON = "application/problem+json"


class Problem(Exception):
    """An error the client is told about in full."""

    def __init__(self, status: int, detail: str, mistakes: Iterable[Mistake] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.mistakes = tuple(mistakes)


def problem_response(problem: Problem) -> Response:
    """The problem document of an error."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
    }
    if problem.mistakes:
        body["errors"] = [
            {"parameter": m.parameter, "reason": m.reason, **({"hint": m.hint} if m.hint else {})}
            for m in problem.mistakes
        ]
    response = Response(orjson.dumps(body), status=problem.status, content_type=PROBLEM_JSON)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mapservice"'
    return response


def from_bad_query(error: BadQuery) -> Problem:
    """All that is wrong with a query's parameters, as one problem."""
    named = ", ".join(dict.fromkeys(m.parameter for m in error.mistakes))
    return Problem(HTTPStatus.BAD_REQUEST, f"Wrong parameters: {named}.", error.mistakes)
