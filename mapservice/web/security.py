"""Security headers for every response: what a page may load, who may frame it, what is cached.

The content security policy is an allow-list that starts from nothing. Scripts and styles come from
this server only and never from inside a page; the one foreign host is the operator's base map, and
it may give images and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import urlsplit

from flask import Flask, Response, request
from jinja2 import Environment

# The one inline script: GOV.UK Frontend's page template marks the body as able to run scripts.
# It is fixed text, so its hash is allowed instead of every inline script.
_TEMPLATE = "govuk_frontend_jinja/template.html"
_INLINE = re.compile(r"<script[^>]*>(document\.body\.className[^<]+)</script>")

OPEN_TO_READ = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, ETag, Content-Crs, Content-Disposition",
}
"""What answers of the API say to pages of other sites: it is public to read, without credentials."""
VARY = "Accept, Accept-Encoding, Cookie"
"""What answers of the API depend on beside their address."""
ONE_YEAR = "public, max-age=31536000, immutable"


def init_security(app: Flask, *, basemap_url: str | None = None, public_url: str | None = None) -> None:
    """Set the headers on every response of the app; `app.extensions["security_headers"]` has them too.

    ``basemap_url`` is the tile template whose host is added to ``img-src``; HSTS is sent only when
    ``public_url`` is https, since promising it on a trial address would lock people out of it.
    """
    policy = content_security_policy(
        basemap_origin=origin_of(basemap_url), script_hashes=[_template_script_hash(app.jinja_env)]
    )
    strict = bool(public_url) and urlsplit(str(public_url)).scheme == "https"

    always = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if strict:
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    app.extensions["security_headers"] = always

    @app.after_request
    def headers(response: Response) -> Response:
        given = response.headers
        for name, value in always.items():
            given.setdefault(name, value)
        if _hashed_static(request.path) and response.status_code in (200, 206, 304):
            given["Cache-Control"] = ONE_YEAR
        return response


def content_security_policy(*, basemap_origin: str | None, script_hashes: list[str]) -> str:
    """The policy as one header value; a directive that is not named falls back to 'none'."""
    images = ["'self'", "data:"] + ([basemap_origin] if basemap_origin else [])
    scripts = ["'self'", *(f"'sha256-{digest}'" for digest in script_hashes)]
    directives = {
        "default-src": ["'none'"],
        "script-src": scripts,
        "style-src": ["'self'"],
        "img-src": images,
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


def origin_of(url: str | None) -> str | None:
    """``https://{s}.tiles.example/{z}/{x}/{y}.png`` to ``https://*.tiles.example``; None if not absolute.

    A source of a content security policy may not hold a space, a comma or a semicolon: a setting
    that does gives None, so that it cannot write a directive of its own.
    """
    if not url:
        return None
    parts = urlsplit(url.replace("{s}", "*"))
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9.*:\[\]-]+", host):
        return None
    return f"{parts.scheme}://{host}"


def _hashed_static(path: str) -> bool:
    return path.startswith("/static/dist/") and bool(re.search(r"-[A-Z0-9]{8}\.(?:css|js)$", path))


def _template_script_hash(environment: Environment) -> str:
    loader = environment.loader
    if loader is None:
        raise RuntimeError("the app has no template loader")
    source = loader.get_source(environment, _TEMPLATE)[0]
    # The template writes a nonce only when given one; the text between the tags never changes.
    found = _INLINE.search(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL))
    if found is None:
        raise RuntimeError(f"{_TEMPLATE} has changed: its inline script was not found")
    return base64.b64encode(hashlib.sha256(found.group(1).encode()).digest()).decode()
