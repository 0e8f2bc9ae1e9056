"""Every page and endpoint × every role: who may, who may not. A new route belongs into the table."""

import pytest

from mapservice.accounts.permissions import Role

ANONYMOUS = "anonymous"
ANYBODY = frozenset({ANONYMOUS, *map(str, Role)})
SIGNED_IN = ANYBODY - {ANONYMOUS}
ADMINISTRATORS = frozenset({"administrator"})
SEE_QUEUE = frozenset({"surveyor", "reviewer", "planner", "administrator"})
EXPORT_DRAFTS = frozenset({"reviewer", "planner", "administrator"})
SURVEYORS = frozenset({"surveyor", "reviewer", "administrator"})
REVIEWERS = frozenset({"reviewer", "administrator"})
TOKEN_ONLY = frozenset[str]()
"""Changes of the API: a browser's session is not enough for anybody (test_writing.py tries tokens)."""
HALF_WAY = frozenset[str]()
"""For who has shown a password and not yet a second factor (test_own_account.py tries that)."""

# (method, endpoint): who may. What stands for a variable of the address is in ARGUMENTS.
TABLE = {
    ("GET", "static"): ANYBODY,
    ("GET", "favicon"): ANYBODY,
    ("GET", "operations.live"): ANYBODY,
    ("GET", "operations.ready"): ANYBODY,
    ("GET", "directory.home"): ANYBODY,
    ("GET", "directory.places"): ANYBODY,
    ("GET", "directory.place"): ANYBODY,
    ("GET", "directory.green_spaces"): ANYBODY,
    ("GET", "directory.green_space"): ANYBODY,
    ("GET", "finder.find"): ANYBODY,
    ("GET", "offline.last"): ANYBODY,
    ("GET", "offline.numbers"): ANYBODY,
    ("GET", "offline.manifest"): ANYBODY,
    ("GET", "offline.worker"): ANYBODY,
    ("GET", "languages.words"): ANYBODY,
    ("GET", "promise.promise"): ANYBODY,
    ("GET", "promise.to_find_out"): ANYBODY,
    ("GET", "whats_on.whats_on"): ANYBODY,
    ("GET", "whats_on.locality_calendar"): ANYBODY,
    ("GET", "whats_on.place_calendar"): ANYBODY,
    ("GET", "priorities.first"): ANYBODY,
    ("GET", "priorities.first_csv"): ANYBODY,
    ("GET", "priorities.first_geopackage"): ANYBODY,
    ("GET", "priorities.access"): ANYBODY,
    ("GET", "priorities.access_csv"): ANYBODY,
    ("GET", "maps.whole_map"): ANYBODY,
    ("GET", "maps.map_file"): ANYBODY,
    ("GET", "maps.names"): ANYBODY,
    ("GET", "data.data"): ANYBODY,
    ("GET", "api.landing"): ANYBODY,
    ("GET", "api.conformance"): ANYBODY,
    ("GET", "api.docs"): ANYBODY,
    ("GET", "api.docs_of"): ANYBODY,
    ("GET", "api.openapi_document"): ANYBODY,
    ("GET", "api.collections"): ANYBODY,
    ("GET", "api.collection"): ANYBODY,
    ("GET", "api.items"): ANYBODY,
    ("GET", "api.item"): ANYBODY,
    ("GET", "api.changes"): ANYBODY,
    ("GET", "api.queryables_of"): ANYBODY,
    ("GET", "api.sortables_of"): ANYBODY,
    ("GET", "api.schema_of"): ANYBODY,
    ("GET", "api.layer_style"): ANYBODY,
    ("GET", "api.layer_tilesets"): ANYBODY,
    ("GET", "api.layer_tileset"): ANYBODY,
    ("GET", "api.layer_tile"): ANYBODY,
    ("GET", "api.all_style"): ANYBODY,
    ("GET", "api.all_tilesets"): ANYBODY,
    ("GET", "api.all_tileset"): ANYBODY,
    ("GET", "api.all_tile"): ANYBODY,
    ("GET", "api.tile_matrix_sets"): ANYBODY,
    ("GET", "api.tile_matrix_set"): ANYBODY,
    ("GET", "api.lookup"): ANYBODY,
    ("GET", "api.nearest"): ANYBODY,
    ("GET", "api.route"): ANYBODY,
    ("POST", "api.create"): TOKEN_ONLY,
    ("PUT", "api.replace"): TOKEN_ONLY,
    ("PATCH", "api.update"): TOKEN_ONLY,
    ("DELETE", "api.delete"): TOKEN_ONLY,
    ("GET", "openreferral.about_without_slash"): ANYBODY,
    ("GET", "openreferral.about"): ANYBODY,
    ("GET", "openreferral.root_without_slash"): ANYBODY,
    ("GET", "openreferral.root"): ANYBODY,
    ("GET", "openreferral.listing"): ANYBODY,
    ("GET", "openreferral.one"): ANYBODY,
    ("GET", "openreferral.openapi"): ANYBODY,
    ("GET", "signing_in.sign_in"): ANYBODY,
    ("POST", "signing_in.try_to_sign_in"): ANYBODY,
    ("GET", "signing_in.code"): SIGNED_IN,
    ("POST", "signing_in.try_code"): HALF_WAY,
    ("POST", "signing_in.sign_out"): ANYBODY,
    ("GET", "links.set_password"): ANYBODY,
    ("POST", "links.try_to_set_password"): ANYBODY,
    ("GET", "links.forgot"): ANYBODY,
    ("POST", "links.send_link"): ANYBODY,
    ("GET", "own.show"): SIGNED_IN,
    ("POST", "own.change_names"): SIGNED_IN,
    ("POST", "own.change_digest"): SIGNED_IN,
    ("POST", "own.change_password"): SIGNED_IN,
    ("POST", "own.end_sessions"): SIGNED_IN,
    ("POST", "own.make_token"): SIGNED_IN,
    ("POST", "own.revoke_token"): SIGNED_IN,
    ("GET", "own.export"): SIGNED_IN,
    ("GET", "own.ask_to_erase"): SIGNED_IN,
    ("POST", "own.erase"): SIGNED_IN,
    ("GET", "second_factor.show"): SIGNED_IN,
    ("POST", "second_factor.turn_on"): SIGNED_IN,
    ("POST", "second_factor.new_codes"): SIGNED_IN,
    ("POST", "second_factor.turn_off"): SIGNED_IN,
    ("GET", "suggesting.form"): ANYBODY,
    ("POST", "suggesting.send"): ANYBODY,
    ("GET", "suggesting.token"): ANYBODY,
    ("GET", "suggesting.waiting"): ANYBODY,
    ("GET", "outcome.show"): ANYBODY,
    ("GET", "outcome.outline"): ANYBODY,
    ("GET", "outcome.photograph"): ANYBODY,
    ("POST", "outcome.withdraw"): ANYBODY,
    ("GET", "outcome.all_sent"): SIGNED_IN,
    ("GET", "confirming.ask"): ANYBODY,
    ("GET", "confirming.on_the_spot"): ANYBODY,
    ("POST", "confirming.still_open"): ANYBODY,
    ("POST", "confirming.undo"): frozenset({"surveyor", "reviewer", "administrator"}),
    ("GET", "confirming.report"): ANYBODY,
    ("POST", "confirming.send_report"): ANYBODY,
    ("GET", "files.file"): ANYBODY,
    ("POST", "checking.check"): ANYBODY,
    ("GET", "checking.near_by"): ANYBODY,
    ("GET", "people.show"): ADMINISTRATORS,
    ("POST", "people.invite"): ADMINISTRATORS,
    ("GET", "people.one"): ADMINISTRATORS,
    ("POST", "people.change_roles"): ADMINISTRATORS,
    ("POST", "people.disable"): ADMINISTRATORS,
    ("POST", "people.enable"): ADMINISTRATORS,
    ("POST", "people.sign_out"): ADMINISTRATORS,
    ("POST", "people.link"): ADMINISTRATORS,
    ("GET", "queue.show"): SEE_QUEUE,
    ("GET", "space.show"): SEE_QUEUE,
    ("POST", "space.move"): SURVEYORS,
    ("POST", "space.publish"): REVIEWERS,
    ("POST", "space.set_due"): REVIEWERS,
    ("GET", "changing.show"): REVIEWERS,
    ("POST", "changing.change"): REVIEWERS,
    ("GET", "changing.show_merge"): REVIEWERS,
    ("POST", "changing.do_merge"): REVIEWERS,
    ("POST", "changing.take_back"): REVIEWERS,
    ("GET", "changing.show_removed"): REVIEWERS,
    ("POST", "changing.restore"): REVIEWERS,
    ("GET", "outline.show"): REVIEWERS,
    ("POST", "outline.draw"): REVIEWERS,
    ("GET", "deciding.show"): SEE_QUEUE,
    ("POST", "deciding.decide"): REVIEWERS,
    ("GET", "talking.show"): SIGNED_IN,
    ("POST", "talking.comment"): SIGNED_IN,
    ("POST", "talking.remove"): SIGNED_IN,
    ("POST", "talking.follow"): SIGNED_IN,
    ("POST", "talking.add_file"): SEE_QUEUE,
    ("POST", "talking.alter_file"): SEE_QUEUE,
    ("GET", "notices.show"): SIGNED_IN,
    ("POST", "notices.read"): SIGNED_IN,
    ("GET", "pack.show_meetings"): SEE_QUEUE,
    ("POST", "pack.note_meeting"): REVIEWERS,
    ("GET", "pack.show"): SEE_QUEUE,
    ("GET", "pack.pdf"): SEE_QUEUE,
    ("GET", "pack.file"): EXPORT_DRAFTS,
    ("GET", "progress.show"): ANYBODY,
    ("GET", "progress.as_file"): ANYBODY,
}
ARGUMENTS = {
    "layer_id": "libraries",
    "feature_id": "no-such-feature",
    "area_id": "south",
    "place_id": "finsbury-library",
    "whats_on.place_calendar kind": "assets",
    "account_id": "person-000000000000",
    "token_id": 1,
    "tile_matrix_set": "WebMercatorQuad",
    "z": 14,
    "y": 5446,
    "x": 8185,
    "name": "full-000000000000.js",
    "filename": "icon.svg",
    "kind": "services",
    "wanted_id": "no-such-service",
    "tag": "en",
    "file_id": "00000000-0000-4000-8000-000000000000",
    "submission_id": "00000000-0000-4000-8000-000000000000",
    "ending": "csv",
    "space_id": "no-such-space",
    "comment_id": "00000000-0000-4000-8000-000000000000",
}
REFUSED = "This is not your password"


def routes(app):
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield method, rule


def arguments(rule):
    return {name: ARGUMENTS.get(f"{rule.endpoint} {name}") or ARGUMENTS[name] for name in rule.arguments}


def test_every_route_is_in_the_table_and_the_table_has_no_other(app):
    known = {(method, rule.endpoint) for method, rule in routes(app)}
    assert known - {*TABLE} == set(), "a new route: say in TABLE who may use it"
    assert {*TABLE} - known == set(), "in TABLE, but no longer a route"


@pytest.mark.parametrize("role", sorted(ANYBODY))
def test_who_may_and_who_may_not(app, browse, signed_in, role):
    browser = browse() if role == ANONYMOUS else signed_in(role)
    # Without the tokens of forms, whose lack is tried elsewhere, every view decides by itself.
    app.config["WTF_CSRF_ENABLED"] = False
    wrong = {}
    try:
        for method, rule in routes(app):
            if rule.endpoint == "signing_in.sign_out":
                continue  # it lets everybody, and would end what the rest is tried with
            with app.test_request_context():
                address = app.url_for(rule.endpoint, **arguments(rule))
            answer = browser.client.open(
                address, method=method, environ_base={"REMOTE_ADDR": browser.address}
            )
            if allowed(answer) != (role in TABLE[method, rule.endpoint]):
                wrong[method, address] = answer.status
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert wrong == {}


def allowed(answer):
    """Whether the view was reached: not sent away to sign in, nor told that one may not or must show a token.

    A view that was reached may still want the password again, or not know what the address names.
    """
    if answer.status_code in (301, 302, 303, 308):
        return answer.headers["Location"].partition("?")[0] != "/sign-in"
    if answer.status_code in (401, 403):
        return REFUSED in answer.text
    return answer.status_code < 500


@pytest.mark.parametrize("role", ["contributor", "surveyor", "reviewer", "planner"])
def test_pages_offer_nobody_what_they_may_not(signed_in, role):
    browser = signed_in(role)
    page = browser.get("/account").text
    assert "/people" not in page
    assert ("Read and change features" in page) == (role == "planner")
    assert "/people" in signed_in("administrator").get("/account").text
