"""`mapservice users`: who may sign in; made for the first administrator, and for when nobody can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from mapservice.accounts import people
from mapservice.accounts.links import link_address, make_link
from mapservice.accounts.passwords import WeakPassword
from mapservice.accounts.people import CannotBe, Person
from mapservice.accounts.permissions import Grant, Role, UnknownRole, parse_grants
from mapservice.database import open_database
from mapservice.serving import base_address, known_address
from mapservice.settings import OperatorError, Settings, load_settings, variable_name

WHO = click.argument("who", metavar="WHO")
ROLES = click.option(
    "--role",
    "roles",
    multiple=True,
    help=f"One of {', '.join(Role)}; as reviewer@south for one locality. May be given several times.",
)
EMAIL = click.option("--email", default="", help="To sign in with, and to send links to.")
USER_NAME = click.option("--user-name", default="", help="To sign in with, for who has no e-mail address.")


@click.group()
def users() -> None:
    """People who may sign in. WHO is an e-mail address, a user name or an id of `users list`."""


@users.command()
@click.argument("name")
@EMAIL
@USER_NAME
@ROLES
def invite(name: str, email: str, user_name: str, roles: tuple[str, ...]) -> None:
    """Make an account for NAME and print the link with which they choose a password."""
    settings = load_settings()
    with _session(settings, "invite") as session:
        _, secret = people.invite(
            session, name, _grants(roles, Role.CONTRIBUTOR), email=email, user_name=user_name
        )
    _print_link(settings, secret)


@users.command()
@click.argument("name")
@EMAIL
@USER_NAME
@ROLES
@click.password_option(help="Their password; asked for where it is not given.")
def add(name: str, email: str, user_name: str, roles: tuple[str, ...], password: str) -> None:
    """Make an account for NAME with a password, where no link can be passed on."""
    settings = load_settings()
    with _session(settings, "add") as session:
        account_id = people.add_person(
            session, name, _grants(roles, Role.CONTRIBUTOR), email=email, user_name=user_name
        )
        people.set_password(session, account_id, password)
    click.echo(account_id)


@users.command("roles")
@WHO
@click.argument("roles", nargs=-1, required=True)
def roles_(who: str, roles: tuple[str, ...]) -> None:
    """Say what WHO may do: these ROLES and no others, as in `reviewer@south planner`."""
    with _session(load_settings(), "roles") as session:
        people.change_grants(session, _find(session, who).id, _grants(roles))
        click.echo(_line(_find(session, who)))


@users.command()
@WHO
@click.option("--undo", is_flag=True, help="Let them in again.")
def disable(who: str, undo: bool) -> None:
    """Let WHO in no more: sessions end, tokens and links no longer hold."""
    with _session(load_settings(), "disable") as session:
        person = _find(session, who)
        (people.enable if undo else people.disable)(session, person.id)
        click.echo(_line(_find(session, person.id)))


@users.command("reset-password")
@WHO
def reset_password(who: str) -> None:
    """Print a link with which WHO chooses a new password; the old one holds until then."""
    settings = load_settings()
    with _session(settings, "reset-password") as session:
        person = _find(session, who)
        secret = make_link(session, person.id, "new-password" if person.has_password else "invitation")
    _print_link(settings, secret)


@users.command("list")
def list_() -> None:
    """Everybody."""
    with _session(load_settings(), "list") as session:
        for person in people.list_people(session):
            click.echo(_line(person))


def _line(person: Person) -> str:
    state = "disabled" if person.disabled_at else "" if person.has_password else "no password"
    roles = " ".join(sorted(map(str, person.grants)))
    return f"{person.id}  {person.sign_in_name:30} {person.name:24} {roles}  {state}".rstrip()


def _grants(roles: tuple[str, ...], otherwise: Role | None = None) -> frozenset[Grant]:
    return parse_grants(roles or ([otherwise] if otherwise else []))


def _find(session: Session, who: str) -> Person:
    person = people.find_by_sign_in_name(session, who) or people.find_person(session, who)
    if person is None:
        raise OperatorError(f"There is nobody {who!r}; see: mapservice users list")
    return person


def _print_link(settings: Settings, secret: str) -> None:
    known = known_address(settings)
    click.echo(link_address(known or base_address(settings), secret))
    if known is None:
        public, port = variable_name("public_url"), variable_name("port")
        click.echo(
            f"The address of the service is not known here: {base_address(settings)} is assumed. If people "
            f"reach it at another, put that in front of /set-password, and set {public} (or {port}).",
            err=True,
        )
    click.echo("It works once; pass it to nobody else. It is not shown again.", err=True)


@contextmanager
def _session(settings: Settings, command: str) -> Iterator[Session]:
    """What people do at the terminal is recorded as done by the command: names are not for the record."""
    name = f"mapservice users {command}"
    try:
        with open_database(settings, command=name) as database, database.session(name) as session:
            yield session
    except (CannotBe, UnknownRole, WeakPassword) as error:
        raise OperatorError(f"{error}") from None
