"""Who is asking: the account of the request's bearer token, and what it may see."""

from __future__ import annotations

from flask import g, request

from mapservice.accounts.account import Account
from mapservice.accounts.tokens import account_of_token
from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.web import context
from mapservice.web.problems import Problem


def current_account() -> Account | None:
    """The account asking, or None for anybody; a token that does not hold is refused rather than ignored."""
    if "account" not in g:
        g.account = _account()
    account: Account | None = g.account
    return account


def editing_account() -> Account:
    """The account asking, which must be one that may edit: else 401 or 403."""
    account = current_account()
    if account is None:
        raise Problem(401, "Changing features needs a token: Authorization: Bearer ms_…")
    if not account.may_edit:
        raise Problem(403, f"{account.name} may not change features.")
    return account


def viewer() -> Viewer:
    """What the account asking may see; pages for people know no tokens."""
    account = current_account() if request.path.startswith("/api") else None
    return account.sees if account else ANONYMOUS


def _account() -> Account | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer":
        raise Problem(401, "Only bearer tokens are understood: Authorization: Bearer ms_…")
    with context.database().session("sign-in") as session:
        account = account_of_token(session, token.strip())
    if account is None:
        raise Problem(401, "This token is unknown, expired or revoked.")
    return account
