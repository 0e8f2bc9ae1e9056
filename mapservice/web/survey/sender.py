"""In whose name something is sent: what waited on a telephone goes as it was written, whoever is there."""

from __future__ import annotations

from flask import jsonify, request
from werkzeug.wrappers import Response

from mapservice.accounts.account import Account
from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.web import identity

NOBODY = "nobody"
"""Sent without an account, also while somebody is signed in."""


class SomebodyElse(Exception):
    """It was written by somebody who is not the one signed in: it has to wait for them."""


def sender() -> Account | None:
    """Whose a form is: theirs whom it names, else whoever is signed in. Raises SomebodyElse."""
    account, named = identity.current_account(), request.form.get("as", "")
    if named == NOBODY:
        return None
    if named and (account is None or account.id != named):
        raise SomebodyElse
    return account


def seen_by(account: Account | None) -> Viewer:
    """What whoever sends something may see."""
    return account.sees if account else ANONYMOUS


def who() -> dict[str, str]:
    """Who is signed in, for a script that keeps what they write; both are empty for nobody."""
    account = identity.current_account()
    return {"id": account.id, "name": account.shown_as} if account else {"id": "", "name": ""}


def kept_waiting() -> Response:
    """To the script: not now."""
    response = jsonify(who=who())
    response.status_code = 409
    return response
