"""`mapservice survey`: looking after what the survey keeps."""

from __future__ import annotations

import click

from mapservice.database import Database, open_database
from mapservice.settings import Settings, load_settings
from mapservice.survey import storage
from mapservice.survey.files import named_files


@click.group()
def survey() -> None:
    """The green-space survey's files."""


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
