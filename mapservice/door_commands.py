"""`mapservice check-doors` and `mapservice searches`: the promise as figures, and what was asked for."""

from __future__ import annotations

import sys
from datetime import date

import click
from rich.console import Console
from rich.table import Table

from mapservice.database import open_database
from mapservice.finder.guarantee import WALK_M, Guarantee, check_doors
from mapservice.finder.reach import DAYS
from mapservice.finder.searches import SMALLEST_TOLD, read_searches
from mapservice.settings import load_settings


@click.command("check-doors")
@click.option(
    "--walk", default=WALK_M, show_default=True, type=click.IntRange(100, 20_000), help="A walk, in metres."
)
@click.option(
    "--find-out", default=10, show_default=True, type=click.IntRange(0, 500), help="Places to list."
)
@click.option("--worst", default=10, show_default=True, type=click.IntRange(0, 20), help="Postcodes to list.")
def check_doors_command(walk: int, find_out: int, worst: int) -> None:
    """Check the promise from every live postcode for every need; exit code 1 where it does not hold.

    It holds where a door for the need is within a walk, and among the doors within that walk one has a
    telephone number of its own and one is known to be open within seven days. What it lacks is mostly facts:
    the places to ask first are listed, with how many postcodes knowing theirs would mend.
    """
    with (
        open_database(load_settings(), command="mapservice check-doors") as database,
        database.reading() as cursor,
    ):
        cursor.execute("SET statement_timeout = '120s'")
        found = check_doors(cursor, walk)
    _show(found, find_out, worst)
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


def _show(found: Guarantee, find_out: int, worst: int) -> None:
    console = Console()
    how = "on foot, in a straight line where no path is known" if found.on_foot else "in a straight line"
    console.print(
        f"{found.postcodes} postcodes, {found.doors} doors ({found.doors_with_hours} with known hours, "
        f"{found.doors_with_phone} with a number), "
        f"{found.walk_m} m {how}; an hour within {DAYS} days."
    )
    table = Table("need", "door", "known for it", "number", "hour", "all three", "one door with all")
    for need in found.needs:
        shares = (need.doors, need.said, need.phones, need.hours, need.kept, need.both_at_one)
        table.add_row(need.need, *(_share(part, need.postcodes) for part in shares))
    console.print(table)
    for one in found.localities:
        console.print(
            f"{one.locality}: holds from {one.kept} of {one.postcodes} postcodes; {one.no_door} lack a door, "
            f"{one.no_phone} a number, {one.no_hours} known hours",
            highlight=False,
        )
    if found.to_find_out[:find_out]:
        _show_to_find_out(console, found, find_out)
    libraries = [
        (each.locality, each.postcodes_within, each.postcodes, each.residents_within, each.residents)
        for each in found.libraries
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
    for served in found.worst[:worst]:
        far = "no door within the walk" if served.metres is None else f"nearest door {served.metres:.0f} m"
        lacks = f"; lacks: {', '.join(served.lacks)}" if served.lacks else ""
        console.print(f"{served.postcode} ({served.locality}), {served.need}: {far}{lacks}", highlight=False)
    console.print("The promise holds." if found.kept else "[red]The promise does not hold everywhere.[/red]")


def _show_to_find_out(console: Console, found: Guarantee, most: int) -> None:
    """Whom to ask for what, the places first that mend most."""
    console.print(
        f"To find out, of {len(found.to_find_out)} places: it would mend {found.mendable} of "
        f"{found.postcodes - found.postcodes_kept} postcodes."
    )
    table = Table("place", "find out", "mends", "beyond those above", "first door with all")
    for one in found.to_find_out[:most]:
        counts = (str(number) for number in (one.mends, one.beyond, one.whole))
        table.add_row(one.door.id, ", ".join(one.door.lacks), *counts)
    console.print(table)


def _share(part: float, whole: float) -> str:
    """A share that says 100 % only where nothing is missing."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    return "100 %" if part >= whole else f"{min(percent, 99.9):.1f} %"
