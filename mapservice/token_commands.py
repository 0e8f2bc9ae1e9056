"""`mapservice tokens`: who may change features through the API, and with which token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from mapservice.accounts.account import UnknownAccount, put_program
from mapservice.accounts.tokens import issue_token, list_tokens, revoke_token
from mapservice.database import open_database
from mapservice.settings import OperatorError, load_settings

SEES = {"public": ("public",), "network": ("public", "network"), "council": ("public", "network", "council")}


@click.group()
def tokens() -> None:
    """Tokens with which programs act for an account."""


@tokens.command()
@click.argument("account")
@click.option("--name", help="Whose it is, as the history shows it. Default: ACCOUNT.")
@click.option(
    "--edit/--no-edit", default=False, help="Whether it may change features: as a planner does, everywhere."
)
@click.option("--sees", type=click.Choice(list(SEES)), default="public", help="The most it may see.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, help="How long the token holds.")
@click.option("--label", default="", help="What it is for, to know it by later.")
def add(account: str, name: str | None, edit: bool, sees: str, days: int, label: str) -> None:
    """Issue a token for ACCOUNT (made or changed as the options say); it is shown this once."""
    with _session(f"mapservice tokens add {account}") as session:
        try:
            put_program(session, account, name or account, may_edit=edit, sees=SEES[sees])
            token = issue_token(session, account, label, days)
        except UnknownAccount as error:
            raise OperatorError(str(error)) from None
    click.echo(token)
    may = "reads and changes features of every layer that can be edited" if edit else "reads"
    click.echo(f"It {may}, and sees what is {' and '.join(SEES[sees])}.", err=True)
    click.echo("Keep it secret: it is not shown again. Use it as: Authorization: Bearer <token>", err=True)


@tokens.command("list")
def list_() -> None:
    """All tokens: never the tokens themselves."""
    with _session("mapservice tokens list") as session:
        for row in list_tokens(session):
            state = (
                "revoked" if row.revoked_at else f"until {row.expires_at:%Y-%m-%d}" if row.expires_at else ""
            )
            click.echo(f"{row.id:>5}  {row.account_id:20} {row.created_at:%Y-%m-%d}  {state:18} {row.label}")


@tokens.command()
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """End the token with this number (see `list`) at once."""
    with _session(f"mapservice tokens revoke {token_id}") as session:
        if not revoke_token(session, token_id):
            raise OperatorError(f"There is no token {token_id} that still holds.")
    click.echo(f"Token {token_id} no longer holds.")


@contextmanager
def _session(command: str) -> Iterator[Session]:
    with (
        open_database(load_settings(), command=command) as database,
        database.session(command, as_owner=True) as session,
    ):
        yield session
