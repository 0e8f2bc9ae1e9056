"""Everything between a bare database and a service to be served; each step skips what is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from mapservice.database import Database
from mapservice.network.measuring import measure
from mapservice.register import migrate
from mapservice.register.progress import Progress as ReportProgress
from mapservice.settings import OperatorError, Settings
from mapservice.sources.load import load_geodata
from mapservice.survey_commands import sweep_files
from mapservice.web import frontend

Say = Callable[[str], None]

PREPARATION_LOCK = 0x6D617073  # "maps"


def prepare(settings: Settings, database: Database, say: Say) -> None:
    """Migrate, build the front end, load the data folder, measure walks, sweep files; quick where it is done.

    Raises `OperatorError` where the data is refused, and `FrontendError` where the build fails.
    """
    with only_one(database):
        migrate.upgrade(database)
        build_frontend(say)
        with progress_bar() as progress:
            report = load_geodata(database, settings.geodata_dir, progress)
    if not report.ok:
        raise OperatorError(f"The data in {settings.geodata_dir} was not loaded:\n{report.render()}")
    measure_walks(database, say)
    sweep_files(settings, database)


def measure_walks(database: Database, say: Say) -> int:
    """Measure the walks that are to be measured; how many places they lead to."""
    with progress_bar() as progress:
        measured = measure(database, progress)
    if measured:
        say(f"Measured how far every postcode is from {measured} places, on foot.")
    return measured


def build_frontend(say: Say) -> None:
    """Build styles and scripts if their sources changed."""
    with Console(stderr=True).status("Looking after styles and scripts"):
        built = frontend.build()
    if built:
        say("Built the styles and scripts.")


@contextmanager
def only_one(database: Database) -> Iterator[None]:
    """Let one process at a time prepare a database that several share."""
    with database.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": PREPARATION_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": PREPARATION_LOCK})
            connection.execute(text("RESET lock_timeout"))


@contextmanager
def progress_bar() -> Iterator[ReportProgress]:
    """A bar on the terminal for as long as something takes; nothing where no person watches."""
    console = Console(stderr=True, highlight=False)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as bar:
        task = bar.add_task("Beginning", total=None)

        def report(done: int, total: int, what: str) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield report
