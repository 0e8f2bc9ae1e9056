"""The pages for people with an account: signing in, one's own account, and who there is."""

from __future__ import annotations

from flask import Flask, Response, make_response, render_template
from flask_wtf.csrf import CSRFError

from mapservice.accounts.directory import parse_role_map
from mapservice.accounts.permissions import UnknownRole
from mapservice.settings import Settings, SettingsError
from mapservice.web.accounts import council, links, own, people, second_factor, signing_in
from mapservice.web.frame import ErrorWords
from mapservice.web.languages import lazy_gettext

STALE = ErrorWords(
    lazy_gettext("That form can no longer be sent"),
    lazy_gettext(
        "Nothing was changed. Go back, load the page again and send it once more. If that does not help, "
        "your browser may be keeping no cookies for this site."
    ),
)


def register_accounts(app: Flask) -> None:
    """Add the pages to the app; raises SettingsError where a directory is set up wrongly."""
    for module in (signing_in, second_factor, links, own, people):
        app.register_blueprint(module.blueprint)
    settings: Settings = app.extensions["settings"]
    if settings.oidc_discovery_url:
        try:
            roles = parse_role_map(settings.oidc_roles or "")
        except UnknownRole as error:
            raise SettingsError(f"MAPSERVICE_OIDC_ROLES: {error}") from None
        council.init_council(app, settings, roles)
    app.register_error_handler(CSRFError, stale_form)


def stale_form(error: CSRFError) -> Response:
    """A form that this service did not give to this browser, or gave long ago."""
    return make_response(render_template("error.html", code=error.code, said=STALE), error.code)
