"""Open Referral UK: the directory of services as HSDS-UK 3.0, open to read, without a key."""

from __future__ import annotations

import uuid
from http import HTTPStatus

import orjson
from flask import Blueprint, Response, render_template, request

from mapservice.layers.query import BadQuery
from mapservice.services import hsds
from mapservice.services.search import fill, known_postcode
from mapservice.web import context
from mapservice.web.openreferral.openapi import openapi_document
from mapservice.web.openreferral.parameters import read_asked
from mapservice.web.problems import Problem, from_bad_query, problem_response

blueprint = Blueprint("openreferral", __name__, url_prefix="/openreferral")
HOME = "/openreferral/3.0"
JSON = "application/json"


@blueprint.get("/")
@blueprint.get("", endpoint="about_without_slash")
def about() -> str:
    """What the directory's feed is and how to use it, for people."""
    return render_template("openreferral.html", home=f"{context.site()}{HOME}")


@blueprint.get("/3.0/")
@blueprint.get("/3.0", endpoint="root_without_slash")
def root() -> Response:
    """Which standard the feed follows. A validator that cannot read this takes it for version 1.0."""
    return _json(
        {
            "version": hsds.VERSION,
            "profile": hsds.PROFILE,
            "openapi_url": f"{context.site()}{HOME}/openapi.json",
        }
    )


@blueprint.get("/3.0/openapi.json")
def openapi() -> Response:
    """The feed described in OpenAPI."""
    return _json(openapi_document(f"{context.site()}{HOME}", context.borough()))


@blueprint.get("/3.0/<any(services, service_at_locations, taxonomies, taxonomy_terms):kind>")
def listing(kind: str) -> Response:
    """One page of a list."""
    asked, page, per_page = read_asked(kind, request.args)
    with context.database().reading() as cursor:
        if asked.postcode is not None:
            known = known_postcode(cursor, asked.postcode)
            if known is None:
                raise Problem(
                    HTTPStatus.BAD_REQUEST, "Wrong parameters: postcode. It is not a postcode known here."
                )
            asked = asked.at(known)
        wanted = hsds.Wanted(page, per_page)
        fill(wanted, kind, asked)
        values = {
            **wanted.values,
            **_names(),
            "page": page,
            "per_page": per_page,
            "skip": (page - 1) * per_page,
        }
        row = cursor.execute(hsds.page_statement(hsds.KINDS[kind], wanted).encode(), values).fetchone()
    return Response(row[0] if row else "", content_type=JSON)


@blueprint.get("/3.0/<any(services, service_at_locations, taxonomies, taxonomy_terms):kind>/<path:wanted_id>")
def one(kind: str, wanted_id: str) -> Response:
    """One thing with all that belongs to it, by its UUID or its readable id."""
    row = None
    if "\x00" not in wanted_id:
        with context.database().reading() as cursor:
            row = cursor.execute(
                hsds.one_statement(hsds.KINDS[kind]).encode(),
                {"uuid": _uuid(wanted_id), "id": wanted_id, **_names()},
            ).fetchone()
    if row is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"There is nothing with this id in {kind}.")
    return Response(row[0], content_type=JSON)


@blueprint.errorhandler(Problem)
def tell_problem(problem: Problem) -> Response:
    """An error as problem details."""
    return problem_response(problem)


@blueprint.errorhandler(BadQuery)
def tell_mistakes(error: BadQuery) -> Response:
    """Wrong parameters as problem details that list every one."""
    return problem_response(from_bad_query(error))


@blueprint.after_request
def allow_reading_from_anywhere(response: Response) -> Response:
    """CORS: open to every page, without credentials."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, If-None-Match"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _json(document: dict[str, object]) -> Response:
    return Response(orjson.dumps(document), content_type=JSON)


def _names() -> dict[str, str]:
    """What an address of the borough ends in, which the register's places leave out."""
    borough = context.borough()
    return {"city": borough.post_town, "province": borough.name}


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if len(text) == len(str(uuid.NAMESPACE_DNS)) else None
    except ValueError:
        return None
