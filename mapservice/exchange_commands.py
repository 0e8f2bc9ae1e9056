"""`mapservice import` of green spaces that others have drawn: a preview first, then what a person decided."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from mapservice.database import open_database
from mapservice.settings import OperatorError, Settings
from mapservice.sources.exchange import import_green_spaces
from mapservice.sources.exchange.reading import Kind


def import_exchange(
    settings: Settings,
    kind: Kind,
    path: Path,
    actor: str,
    reason: str | None,
    decisions: Path | None,
    provenance: str | None,
    say: Callable[[str], None],
) -> None:
    """Compare FILE with the register and write the review file, or do what the review file says."""
    if decisions is not None and not decisions.is_file():
        raise OperatorError(f"There is no file {decisions}; import without --decisions to have it written")
    with open_database(settings, command=f"mapservice import {kind}", say=say) as database:
        report = import_green_spaces(
            database,
            kind,
            path,
            actor,
            review=decisions or Path(f"{kind}-review.csv"),
            decided=decisions is not None,
            source=provenance,
            reason=reason,
        )
        click.echo(report.render())
        if report.changes:
            from mapservice.preparation import measure_walks

            measure_walks(database, say)
    if not report.ok:
        sys.exit(1)
