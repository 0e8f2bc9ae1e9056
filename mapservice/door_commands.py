"""`mapservice check-doors` and `mapservice searches`: the promise as figures, and what was asked for."""

from __future__ import annotations

import sys
from datetime import date

import click
from rich.console import Console
from rich.table import Table

from mapservice.database import open_database
from mapservice.finder.guarantee import DAYS, WALK_M, Guarantee, check_doors
from mapservice.finder.searches import SMALLEST_TOLD, read_searches
from mapservice.settings import load_settings


@click.command("check-doors")
@click.option(
    "--walk", default=WALK_M, show_default=True, type=click.IntRange(100, 20_000), help="A walk, in metres."
)
@click.option("--worst", default=10, show_default=True, type=click.IntRange(0, 20), help="Postcodes to list.")
def check_doors_command(walk: int, worst: int) -> None:
    """Check the promise from every live postcode for every need; exit code 1 where it does not hold.

    It holds where a door for the need is within a walk, and among the doors within that walk one has a
    telephone number of its own and one is known to be open within seven days.
    """
    with (
        open_database(load_settings(), command="mapservice check-doors") as database,
        database.reading() as cursor,
    ):
        found = check_doors(cursor, walk)
    _show(found, worst)
    sys.exit(0 if found.kept else 1)


@click.command("searches")
@click.option("--since", type=click.DateTime(["%Y-%m"]), help="First month, as 2026-04. Default: this year.")
def searches_command(since: object) -> None:
    """What was asked for, by month, locality and need, as CSV. Small numbers are not told apart."""
    first = since.date() if hasattr(since, "date") else date.today().replace(month=1, day=1)
    with (
        open_database(load_settings(), command="mapservice searches") as database,
        database.session("searches") as session,
    ):
        found = read_searches(session, first)
    click.echo("month,locality,need,outcome,searches")
    for one in found:
        number = f"fewer than {SMALLEST_TOLD}" if one.searches is None else one.searches
        click.echo(
            f"{one.month:%Y-%m},{one.locality or 'elsewhere'},{one.need or 'not sure'},{one.outcome},{number}"
        )


def _show(found: Guarantee, worst: int) -> None:
    console = Console()
    how = "on foot, in a straight line where no path is known" if found.on_foot else "in a straight line"
    console.print(
        f"{found.postcodes} postcodes, {found.doors} doors ({found.doors_with_hours} with known hours), "
        f"{found.walk_m} m {how}; an hour within {DAYS} days."
    )
    table = Table("need", "door", "known for it", "number", "hour", "all three", "one door with all")
    for need in found.needs:
        shares = (need.doors, need.said, need.phones, need.hours, need.kept, need.both_at_one)
        table.add_row(need.need, *(_share(part, need.postcodes) for part in shares))
    console.print(table)
    libraries = [
        (one.locality, one.postcodes_within, one.postcodes, one.residents_within, one.residents)
        for one in found.libraries
    ]
    for locality, near, postcodes, residents_near, residents in libraries:
        console.print(
            f"A library within the walk, {locality}: {_share(near, postcodes)} of postcodes, "
            f"{_share(residents_near, residents)} of residents"
        )
    total = [sum(column) for column in zip(*(row[1:] for row in libraries), strict=True)]
    if total:
        console.print(
            f"A library within the walk, all: {_share(total[0], total[1])} of postcodes, "
            f"{_share(total[2], total[3])} of residents"
        )
    for one in found.worst[:worst]:
        far = "no door within the walk" if one.metres is None else f"nearest door {one.metres:.0f} m"
        lacks = f"; lacks: {', '.join(one.lacks)}" if one.lacks else ""
        console.print(f"{one.postcode} ({one.locality}), {one.need}: {far}{lacks}", highlight=False)
    console.print("The promise holds." if found.kept else "[red]The promise does not hold everywhere.[/red]")


def _share(part: float, whole: float) -> str:
    """A share that says 100 % only where nothing is missing."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    return "100 %" if part >= whole else f"{min(percent, 99.9):.1f} %"
