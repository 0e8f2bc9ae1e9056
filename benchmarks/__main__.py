"""`make bench`: how fast the service answers, beside the bare database and two other servers.

Sections:  api      rows of the layer API on 20,000 points and 5,000 polygons
           scaling  pages of 2,000,000 points, and downloading all of them
           pages    what residents ask, of the service `make run` has up or one started here
           survey   fifty volunteers who send a suggestion with a photograph at the same moment
           find     a resident's question beside its own statements, 100 residents, 100 times the places
           clients  all 20,000 points read by GDAL, page by page and in one stream
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import clients, find, load, measuring, pages, processes, report, streaming, survey
from benchmarks.dataset import TABLES, Scratch, fill_many, scratch
from benchmarks.questions import Question, questions
from benchmarks.servers import NAMES, THREADS, WORKERS, started

SECTIONS = ("api", "scaling", "pages", "find", "survey", "clients")


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        "make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    known = [row.key for row in questions()]
    parser.add_argument(
        "--quick", action="store_true", help="one round, 4 connections, no large table, no pages"
    )
    parser.add_argument("--sections", type=_words(SECTIONS), help="some of the sections, by commas")
    parser.add_argument("--rows", type=_words(known), help=f"some of the rows: {', '.join(known)}")
    parser.add_argument("--servers", type=_words(NAMES), default=NAMES, help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--connections", type=_numbers, help="numbers of connections (1,4)")
    parser.add_argument("--rounds", type=int, help="rounds (3)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of one run (1)")
    parser.add_argument("--write", action=argparse.BooleanOptionalAction,
                        help="put the tables into docs/performance.md (after a whole run only)")  # fmt: skip
    given = parser.parse_args()
    whole = not (given.quick or given.rows or given.sections or given.servers != NAMES)
    given.sections = given.sections or (("api",) if given.quick else SECTIONS)
    given.rounds = given.rounds or (1 if given.quick else 3)
    given.connections = given.connections or ((4,) if given.quick else (1, 4))
    given.write = whole if given.write is None else given.write
    return given


def _words(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(text.split(","))
        if unknown := [word for word in words if word not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return words

    return parse


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def main() -> None:
    """Run the sections asked for, print the tables, and write them down."""
    given = arguments()
    if {"api", "scaling"} & {*given.sections}:
        _layer_api(given)
    if "pages" in given.sections:
        print("\nWhat residents ask\n")
        pages.main()
    if "find" in given.sections:
        print("\nA resident's question\n")
        find.main()
    if "survey" in given.sections:
        print("\nVolunteers who send at once\n")
        survey.main()
    if "clients" in given.sections:
        print("\nWhat a user of GDAL waits for\n")
        with scratch() as data:
            clients.main(data)


def _layer_api(given: argparse.Namespace) -> None:
    began = time.monotonic()
    wrk = load.find_wrk()
    rows = [
        row
        for row in questions()
        if row.section in given.sections and (not given.rows or row.key in given.rows)
    ]
    found = report.Findings(
        rows,
        given.connections,
        processes.machine(),
        f"{WORKERS} workers each (gthread with {THREADS} threads; tipg on uvicorn workers), all on one "
        "database; "
        f"medians of {given.rounds} interleaved rounds of {given.seconds} s, "
        f"load by {'wrk' if wrk else 'a client in Python'}.",
    )
    with scratch() as data:
        found.machine["database"] = data.version
        for section in given.sections:
            chosen = [row for row in rows if row.section == section]
            if section == "api" and chosen:
                _section(given, data, wrk, chosen, TABLES, found)
            elif section == "scaling":
                print("Making 2,000,000 points.", file=sys.stderr)
                fill_many(data.cluster)
                _section(given, data, wrk, chosen, (*TABLES, "many"), found)
    text = report.markdown(found)
    print(text)
    print(
        f"\n{report.write_json(found)} holds every round. It took {time.monotonic() - began:.0f} s.",
        file=sys.stderr,
    )
    if given.write:
        print(f"{report.write_document(text)} holds the tables.", file=sys.stderr)


def _section(
    given: argparse.Namespace,
    data: Scratch,
    wrk: str | None,
    rows: list[Question],
    tables: tuple[str, ...],
    found: report.Findings,
) -> None:
    with started(data, given.servers, tables) as servers:
        asked = measuring.prepare(servers, rows, found.measured)
        measuring.run(data, wrk, asked, found.measured, given.connections, given.rounds, given.seconds)
        if "many" in tables:
            for server in servers:
                if server.name == "ours" and not given.rows:
                    found.downloads, remarks = streaming.downloads(server)
                    found.measured.remarks += remarks
        else:
            found.memory = {
                server.name: [processes.resident(pid, peak=True) for pid in server.workers]
                for server in servers
            }


if __name__ == "__main__":
    main()
