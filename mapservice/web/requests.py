"""What every request gets: an id to speak of it, and the preferences the client states."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, g, request

REQUEST_ID = "X-Request-Id"
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)


def init_requests(app: Flask) -> None:
    """Give every response an id: the client's or proxy's own where it is sane, else a new one."""

    @app.before_request
    def name_it() -> None:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if SANE_ID.fullmatch(given) else secrets.token_hex(8)

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.get("request_id", "")
        handling = preferred_handling()
        if handling:
            response.headers["Preference-Applied"] = f"handling={handling}"
        return response


def preferred_handling() -> str | None:
    """`strict` or `lenient`, where the client states it (RFC 7240)."""
    for header in request.headers.getlist("Prefer"):
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if name.strip().lower() == "handling" and value.strip().strip('"') in ("strict", "lenient"):
                return value.strip().strip('"')
    return None
