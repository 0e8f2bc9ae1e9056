"""People of every role, and browsers that speak no network but hold cookies and send forms as given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mapservice.accounts import people
from mapservice.accounts.permissions import Role, parse_grants

PASSWORD = "walnut tram orbit lantern"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """A client that fetches a form before it sends it, as people do."""

    client: FlaskClient
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    address: str = "192.0.2.1"

    def get(self, path: str, **given: Any) -> Any:
        return self.client.get(path, **self._as_me(given))

    def post(self, path: str, form: str | None = None, **fields: Any) -> Any:
        """Send a form that stands on the page at `form` (default: the path itself)."""
        found = CSRF.search(self.get(form or path).text)
        assert found, f"there is no form on {form or path}"
        return self.client.post(path, data={"csrf_token": found[1], **fields}, **self._as_me({}))

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post("/sign-in", name=name, password=password, **more)

    @property
    def cookie(self) -> str | None:
        cookie = self.client.get_cookie("session")
        return cookie.value if cookie else None

    def _as_me(self, given: dict[str, Any]) -> dict[str, Any]:
        headers = {"User-Agent": self.agent, **given.pop("headers", {})}
        return {**given, "headers": headers, "environ_base": {"REMOTE_ADDR": self.address}}


@pytest.fixture
def browse(app: Flask):
    """A function that gives a browser with an empty profile, at an address of its own unless given one."""
    numbers = iter(range(2, 250))

    def make(address: str | None = None, **given: str) -> Browser:
        return Browser(app.test_client(), address=address or f"198.51.100.{next(numbers)}", **given)

    with app.extensions["database"].session("tests") as session:
        session.connection().exec_driver_sql("DELETE FROM accounts.attempts")
    return make


@pytest.fixture(scope="module")
def everybody(app: Flask) -> dict[str, str]:
    """The id of one person for each role, named like it; surveyor and reviewer only in the South."""
    ids = {}
    with app.extensions["database"].session("tests") as session:
        for role in Role:
            written = f"{role}@south" if role in ("surveyor", "reviewer") else str(role)
            ids[str(role)] = people.add_person(
                session, f"Ada {role}", parse_grants([written]), email=f"{role}@example.org", user_name=role
            )
            people.set_password(session, ids[str(role)], PASSWORD)
    return ids


@pytest.fixture
def signed_in(browse, everybody):
    """A function that gives a browser in which somebody of a role is signed in."""

    def make(role: str) -> Browser:
        browser = browse()
        answer = browser.sign_in(f"{role}@example.org")
        assert answer.status_code == 303, answer.text
        return browser

    return make
