"""`mapservice survey`: looking after what the survey keeps, and telling people once a day."""

from __future__ import annotations

from datetime import datetime

import click

from mapservice.database import Database, open_database
from mapservice.mail import send_mail
from mapservice.register.borough import read_borough
from mapservice.register.opening_hours import LONDON
from mapservice.serving import base_address, known_address
from mapservice.settings import Settings, load_settings
from mapservice.survey import storage
from mapservice.survey.files import named_files


@click.group()
def survey() -> None:
    """The green-space survey: its files, and the e-mail once a day."""


@survey.command()
def sweep() -> None:
    """Remove files that nothing names: what was sent and cut off before it was taken in, a day later."""
    settings = load_settings()
    with open_database(settings, command="mapservice survey sweep") as database:
        removed = sweep_files(settings, database)
    click.echo(f"Removed {removed} files that nothing names.")


def sweep_files(settings: Settings, database: Database) -> int:
    """The same for a database that is open; how many files went."""
    with database.session("mapservice survey sweep") as session:
        return storage.sweep(
            storage.folder_of(settings.var_dir), lambda digests: named_files(session, digests)
        )


@survey.command()
def digest() -> None:
    """Send everybody who wants it one e-mail with what is new for them, and remind of due dates.

    Meant for once a day. What was read or sent before is not sent again; what could not be sent waits.
    What is cut off just after a letter went sends that letter again, as the same message.
    """
    from mapservice.survey.digest import Digest, remind, send_digest, to_mail
    from mapservice.web.survey.telling import digest_letter

    settings = load_settings()
    site = known_address(settings) or base_address(settings)
    service = read_borough(settings.geodata_dir).short_name
    sent = failed = 0

    def send(found: Digest) -> bool:
        subject, body = digest_letter(found, site.rstrip("/"), service)
        return send_mail(settings, found.email, subject, body, key=f"digest.{found.key}")

    with open_database(settings, command="mapservice survey digest") as database:
        with database.session("survey digest") as session:
            reminded = remind(session, datetime.now(LONDON).date())
        with database.session("survey digest") as session:
            waiting = to_mail(session)
        for account_id in waiting:
            with database.session("survey digest") as session:
                done = send_digest(session, account_id, send)
            sent += done is True
            failed += done is False
    click.echo(f"Sent {sent}, could not send {failed}; {reminded} reminders of due dates.")
    if failed:
        raise SystemExit(1)
