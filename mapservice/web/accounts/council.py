"""Signing in with a council's directory: OpenID Connect, authorization code with PKCE, state and nonce."""

from __future__ import annotations

import logging

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import (
    Blueprint,
    Flask,
    current_app,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from mapservice.accounts.directory import RoleMap, account_of_claims, read_claims
from mapservice.accounts.signing_in import enter
from mapservice.settings import Settings
from mapservice.web import context, identity
from mapservice.web.accounts.signing_in import HOME, go_on

log = logging.getLogger(__name__)

NEXT = "council-next"
SECONDS = 10
ACTOR = "directory"


def init_council(app: Flask, settings: Settings, roles: RoleMap) -> None:
    """Add the way in by the directory that the settings name."""
    secret = settings.oidc_client_secret
    oauth = OAuth(app)
    oauth.register(
        "council",
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=settings.oidc_discovery_url,
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": SECONDS},
    )
    app.extensions["council"] = (oauth, roles)
    blueprint = Blueprint("council", __name__, url_prefix="/sign-in/directory")
    blueprint.add_url_rule("", view_func=start, methods=["GET"])
    blueprint.add_url_rule("/answer", view_func=answer, methods=["GET"])
    app.register_blueprint(blueprint)


def start() -> Response:
    """Off to the directory; state, nonce and verifier wait in the browser's signed cookie."""
    session[NEXT] = identity.local_path(request.args.get("next"), HOME)
    oauth, _ = current_app.extensions["council"]
    back = context.site() + url_for("council.answer")
    try:
        away: Response = oauth.council.authorize_redirect(back)
    except (requests.RequestException, AuthlibBaseError, ValueError) as error:
        return _failed("the directory cannot be reached", error, 503)
    return away


def answer() -> Response:
    """Back from the directory: whoever it vouches for is let in, with the roles of their groups."""
    oauth, roles = current_app.extensions["council"]
    wanted = identity.local_path(session.pop(NEXT, None), HOME)
    try:
        held = {
            # Authlib looks at these two only when told what they must be.
            "iss": {"essential": True, "value": oauth.council.load_server_metadata()["issuer"]},
            "aud": {"essential": True, "value": context.settings().oidc_client_id},
        }
        token = oauth.council.authorize_access_token(claims_options=held, leeway=60)
        claims = read_claims(token["userinfo"], context.settings().oidc_role_claim)
    except requests.RequestException as error:
        return _failed("the directory cannot be reached", error, 503)
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        return _failed("the directory's answer does not hold", error, 401)
    with context.database().session(ACTOR) as database:
        account_id = account_of_claims(database, claims, roles)
        if account_id is not None:
            entry = enter(database, identity.door(), account_id, identity.where_from())
    if account_id is None:
        return make_response(render_template("accounts/council_refused.html", known=True), 403)
    return go_on(entry, wanted)


def _failed(what: str, error: Exception, code: int) -> Response:
    # The type alone: messages may repeat what the directory says of somebody.
    log.warning("%s: %s", what, type(error).__name__)
    return make_response(render_template("accounts/council_refused.html", known=False), code)
