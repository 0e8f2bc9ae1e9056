"""`mapservice import open-referral`: takes a directory's feed in, asking at the terminal where unsure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from mapservice.database import open_database
from mapservice.preparation import progress_bar
from mapservice.settings import OperatorError, Settings
from mapservice.sources.open_referral import NEW, Question, import_feed, read_decisions
from mapservice.sources.report import Report, printable

REVIEW = Path("open-referral-review.csv")


def import_open_referral(
    settings: Settings,
    where: str | None,
    actor: str,
    reason: str | None,
    decisions: Path | None,
    private: bool,
    say: Callable[[str], None],
) -> None:
    """Import a feed or a saved file; a person at the terminal is asked, others get a file to fill in."""
    if not where:
        raise OperatorError("open-referral needs the address of a feed, or a file saved from one.")
    made: dict[tuple[str, str], str] = {}
    if decisions is not None and decisions.exists():
        read = Report("decisions", decisions.name)
        made = read_decisions(decisions, read)
        if not read.ok:
            raise OperatorError(read.render())

    def decide(question: Question) -> str | None:
        answer = made.get((question.kind, question.external_id))
        if answer is not None:
            if answer != NEW and answer not in {each.id for each in question.candidates}:
                raise OperatorError(f"{decisions}: {answer!r} is none of the candidates of {question.theirs}")
            return answer
        return ask(question) if sys.stdin.isatty() and decisions is None else None

    with (
        open_database(settings, command="mapservice import open-referral", say=say) as database,
        progress_bar() as progress,
    ):
        report = import_feed(
            database,
            where,
            actor,
            decide=decide,
            progress=progress,
            reason=reason,
            private=private,
            review=decisions or REVIEW,
        )
    click.echo(report.render())
    if not report.ok:
        sys.exit(1)


def ask(question: Question) -> str:
    """Ask the person at the terminal."""
    click.echo(f"\nThe feed's {question.kind} “{printable(question.theirs)}” looks like:", err=True)
    for number, each in enumerate(question.candidates, 1):
        click.echo(f"  {number}  {printable(each.name)} ({each.id}){each.distance_words}", err=True)
    click.echo("  n  none of these: it is new", err=True)
    known = [str(number) for number in range(1, len(question.candidates) + 1)]
    answer = click.prompt("Which", type=click.Choice([*known, "n"]), err=True, show_choices=False)
    return NEW if answer == "n" else question.candidates[int(answer) - 1].id
