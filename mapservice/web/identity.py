"""Who is asking: the person whose session the browser shows, or the account of the request's bearer token."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Response, abort, current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from mapservice.accounts.account import Account
from mapservice.accounts.attempts import network_of
from mapservice.accounts.permissions import WITHOUT_ACCOUNT, Action
from mapservice.accounts.sessions import SignedIn, device_words, find_session
from mapservice.accounts.signing_in import Door, Entry, From
from mapservice.accounts.tokens import account_of_token
from mapservice.layers.visibility import ANONYMOUS, Viewer
from mapservice.settings import Settings, session_secret
from mapservice.web import context
from mapservice.web.frame import DATABASE_AWAY
from mapservice.web.problems import Problem

if TYPE_CHECKING:
    from flask import Flask

P = ParamSpec("P")
R = TypeVar("R")

ENTRY = "entry"
"""Under this the browser's signed cookie holds the secret of a session."""
NEVER_KEPT = "private, no-store"
NEEDS = "__needs__"
READING = ("GET", "HEAD", "OPTIONS")

csrf = CSRFProtect()


def init_identity(app: Flask, settings: Settings) -> None:
    """Give the app its door, its cookies, and answers for people that nobody else is handed."""
    app.secret_key = session_secret(settings)
    app.config.update(
        # With the prefix no other host and no unencrypted page can plant a cookie of this name.
        SESSION_COOKIE_NAME="__Host-session" if settings.over_https else "session",
        SESSION_COOKIE_SECURE=settings.over_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
        # A form holds as long as the session it was given to; who sends no Referer is not shut out.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.extensions["door"] = Door(
        database=app.extensions["database"],
        key=str(app.secret_key),
        lasting=timedelta(days=settings.session_days),
        idle=timedelta(hours=settings.session_idle_hours),
    )
    app.extensions["viewer"] = viewer
    csrf.init_app(app)
    app.jinja_env.globals.update(signed_in=shown_account, may=shown_may, Action=Action)
    if settings.proxies_trusted:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies_trusted, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )

    @app.after_request
    def keep_to_themselves(response: Response) -> Response:
        if g.get("signed_in") is not None or session.modified:
            response.headers["Cache-Control"] = NEVER_KEPT
        return response


def door() -> Door:
    """What signing in goes by."""
    found: Door = current_app.extensions["door"]
    return found


def where_from() -> From:
    """Where the request comes from."""
    return From(network_of(request.remote_addr), device_words(request.headers.get("User-Agent", "")))


def begin(entry: Entry) -> None:
    """Have the browser show a session from now on: of what it had before nothing is left (no fixation)."""
    session.clear()
    session.permanent = True
    session[ENTRY] = entry.secret
    g.pop("signed_in", None)
    g.pop("account", None)


def leave() -> None:
    """Have the browser show no session any more."""
    session.clear()
    g.pop("signed_in", None)
    g.pop("account", None)


def shown_secret() -> str:
    """The secret of the session the browser shows, known or not; "" for none."""
    secret = session.get(ENTRY)
    return secret if isinstance(secret, str) else ""


def current_session() -> SignedIn | None:
    """The session the browser shows, whether or not it still waits for the second factor."""
    if "signed_in" not in g:
        secret = shown_secret()
        g.signed_in = None
        if secret:
            with context.database().session("sign-in") as database:
                g.signed_in = find_session(database, secret, door().idle)
    found: SignedIn | None = g.signed_in
    return found


def current_account() -> Account | None:
    """The account asking, or None for anybody; a token that does not hold is refused rather than ignored.

    A browser's session reads the API too, but changes nothing there: a foreign page could make it try.
    """
    if "account" not in g:
        g.account = None
        if on_api() and "Authorization" in request.headers:
            g.account = _account_of_token()
        elif not on_api() or request.method in READING:
            found = current_session()
            g.account = found.account if found and found.complete else None
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
    """What whoever asks may see."""
    account = current_account()
    return account.sees if account else ANONYMOUS


def shown_account() -> Account | None:
    """Who is signed in, for what every page shows, also one that says that nothing could be found out."""
    try:
        return current_account()
    except (Problem, *DATABASE_AWAY):
        return None


def shown_may(action: Action | str, locality: str | None = None) -> bool:
    """Whether a page offers something to whoever looks at it."""
    account = shown_account()
    action = Action(action)
    return account.may(action, locality) if account else action in WITHOUT_ACCOUNT


def needs(action: Action) -> Callable[[Callable[P, R]], Callable[P, R | BaseResponse]]:
    """A view for those who may do something: others are asked to sign in, or told that they may not.

    Where it depends on the locality of a thing, the view asks `demand` once it knows which.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
            if action not in WITHOUT_ACCOUNT and current_account() is None:
                return ask_to_sign_in()
            demand(action)
            return view(*args, **kwargs)

        setattr(guarded, NEEDS, action)
        return guarded

    return decorate


def demand(action: Action, locality: str | None = None) -> None:
    """Go on only for who may do something (in a locality; "" for what lies in none): else 403."""
    account = current_account()
    if not (account.may(action, locality) if account else action in WITHOUT_ACCOUNT):
        abort(403)


def this_account() -> Account:
    """The account asking, in a view that `needs` one."""
    account = current_account()
    if account is None:
        abort(403)
    return account


def ask_to_sign_in() -> BaseResponse:
    """To the page to sign in, and from there back to what was asked for, where that can be fetched again."""
    wanted = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
    return redirect(url_for("signing_in.sign_in", next=wanted), 303)


def local_path(wanted: str | None, otherwise: str) -> str:
    """A path of this service to go on to; anything that could lead elsewhere is not gone to."""
    if not wanted or len(wanted) > 2000 or re.search(r"[\x00-\x20\x7f\\]", wanted):
        return otherwise
    parts = urlsplit(wanted)
    good = wanted.startswith("/") and not wanted.startswith("//") and not parts.scheme and not parts.netloc
    return wanted if good else otherwise


def on_api() -> bool:
    """Whether the request is one for programs."""
    return request.path == "/api" or request.path.startswith("/api/")


def _account_of_token() -> Account:
    kind, _, token = request.headers["Authorization"].partition(" ")
    if kind.lower() != "bearer":
        raise Problem(401, "Only bearer tokens are understood: Authorization: Bearer ms_…")
    with context.database().session("sign-in") as database:
        account = account_of_token(database, token.strip())
    if account is None:
        raise Problem(401, "This token is unknown, expired or revoked.")
    return account
