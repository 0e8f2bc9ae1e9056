"""Security headers: nothing is allowed that is not named."""

import base64
import hashlib
import re

import pytest
from flask import Flask
from jinja2 import PackageLoader, PrefixLoader

from mapservice.web.security import content_security_policy, init_security, origin_of

PAGES = ["/", "/find", "/map", "/assets", "/green-spaces", "/data", "/no-such-page", "/api/collections"]


def directives(response):
    policy = response.headers["Content-Security-Policy"]
    return {
        name: rest.split() for name, _, rest in (part.strip().partition(" ") for part in policy.split(";"))
    }


def app_with(**given):
    app = Flask("x")
    app.jinja_loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    init_security(app, **given)
    return app.test_client()


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_carries_the_headers(client, page):
    response = client.get(page)
    allowed = directives(response)
    assert allowed["default-src"] == ["'none'"]
    assert allowed["frame-ancestors"] == ["'none'"]
    assert allowed["style-src"] == ["'self'"]
    assert allowed["connect-src"] == ["'self'"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "geolocation=(self)" in response.headers["Permissions-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("page", PAGES[:6])
def test_the_only_inline_script_is_the_one_whose_hash_is_allowed(client, page):
    response = client.get(page)
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", response.text, re.DOTALL)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in inline
    }
    assert hashes == set(directives(response)["script-src"]) - {"'self'"}
    assert " style=" not in response.text
    assert not re.search(r"\son\w+=", response.text)


@pytest.mark.parametrize("page", PAGES[:6])
def test_a_page_loads_nothing_from_elsewhere(client, page):
    text = client.get(page).text
    loaded = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"([^\"]+)\"", text)
    assert loaded
    assert all(address.startswith("/") and not address.startswith("//") for address in loaded)


def test_the_base_map_may_give_images_and_nothing_else():
    policy = app_with(basemap_url="https://{s}.tiles.example.org/{z}/{x}/{y}.png").get("/")
    allowed = directives(policy)
    assert "https://*.tiles.example.org" in allowed.pop("img-src")
    assert not any("example.org" in source for sources in allowed.values() for source in sources)


@pytest.mark.parametrize(
    "url, origin",
    [
        (None, None),
        ("https://tile.openstreetmap.org/{z}/{x}/{y}.png", "https://tile.openstreetmap.org"),
        ("https://user:secret@tiles.example.org:8443/{z}", "https://tiles.example.org:8443"),
        ("https://tiles.example.org;script-src */{z}", None),
        ("/tiles/{z}/{x}/{y}.png", None),
        ("ftp://tiles.example.org/{z}", None),
    ],
)
def test_origin_of_a_tile_address(url, origin):
    assert origin_of(url) == origin


def test_https_is_promised_only_where_the_service_is_on_it():
    assert "Strict-Transport-Security" not in app_with(public_url=None).get("/").headers
    assert "Strict-Transport-Security" not in app_with(public_url="http://maps.example.org").get("/").headers
    assert "Strict-Transport-Security" in app_with(public_url="https://maps.example.org").get("/").headers


def test_built_files_are_kept_for_ever_and_pages_are_not(client):
    page = client.get("/map")
    built = re.findall(r'(?:src|href)="(/(?:static/dist|map)/[^"]+\.(?:js|css))"', page.text)
    assert len(built) >= 4
    for address in built:
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert "immutable" not in page.headers.get("Cache-Control", "")


def test_a_policy_without_a_base_map_names_no_host():
    assert "http" not in content_security_policy(basemap_origin=None, script_hashes=[])
