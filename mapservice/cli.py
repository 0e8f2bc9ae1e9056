"""The `mapservice` command. Each subcommand reads the settings, calls one room, and says what happened."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any, NoReturn

import click

from mapservice import serving
from mapservice.database import Database, open_database, packages
from mapservice.database.locks import Held, Holder
from mapservice.database.opening import describe, prepare_server, running_cluster
from mapservice.door_commands import check_doors_command, searches_command
from mapservice.settings import OperatorError, Settings, load_settings
from mapservice.settings import describe as describe_settings
from mapservice.survey_commands import survey
from mapservice.token_commands import tokens
from mapservice.user_commands import users

INTERRUPTED = 130


def say(text: str) -> None:
    """One line to the person at the terminal; kept off stdout, which is for results."""
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mapservice", message="%(prog)s %(version)s")
def cli() -> None:
    """A borough on one map: set it up, serve it, feed it, look after it.

    Settings come from the environment; `mapservice doctor` lists them all.
    """


@cli.command()
def setup() -> None:
    """Prepare everything that serving needs, and stop: packages, database, tables, front end, data."""
    from mapservice.preparation import prepare

    settings = load_settings()
    if settings.database_url is not None:
        prepare_server(settings)
    packages.offer(packages.PDF, say)
    with open_database(settings, command="mapservice setup", say=say) as database:
        prepare(settings, database, say)
    say("Ready. Start with: mapservice serve")


@cli.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option(
    "--setup/--no-setup", "with_setup", default=True, help="Prepare first (the default), or only serve."
)
def serve(host: str | None, port: int | None, with_setup: bool) -> None:
    """Prepare what is not ready yet, then serve until Ctrl-C."""
    settings = load_settings(**{name: value for name, value in (("host", host), ("port", port)) if value})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # All three unwind in the same way, so that each stops the database. Set even for SIGINT: a shell
        # that starts us in the background has it ignored.
        signal.signal(number, signal.default_int_handler)
    try:
        if settings.database_url is not None:
            _serve_from_server(settings, with_setup)
        else:
            _serve_from_cluster(settings, with_setup)
    except KeyboardInterrupt:
        say("Stopped.")


def _serve_from_server(settings: Settings, with_setup: bool) -> None:
    serving.check_port_free(settings)
    if with_setup:
        prepare_server(settings)
        with open_database(settings) as database:
            _prepare(settings, database)
    _announce(settings)
    serving.replace_by_gunicorn(settings)


def _serve_from_cluster(settings: Settings, with_setup: bool) -> None:
    address = serving.base_address(settings)
    try:
        with running_cluster(settings, Holder("mapservice serve", os.getpid(), address), say) as cluster:
            serving.check_port_free(settings)
            if with_setup:
                database = Database.connect(settings)
                _prepare(settings, database)
                database.dispose()
            serving.serve_beside(cluster, settings, lambda: _announce(settings), say)
    except Held as held:
        raise OperatorError(
            f"{settings.var_dir} is in use by {describe(held.holder)}.\n"
            "Use that one, or stop it first (Ctrl-C where it runs). For a second, separate service give this "
            "one its own folder: MAPSERVICE_VAR_DIR=<folder>"
        ) from None


def _prepare(settings: Settings, database: Database) -> None:
    from mapservice.preparation import prepare

    packages.offer(packages.PDF, say, tried=settings.var_dir / "not-installed")
    prepare(settings, database, say)


def _announce(settings: Settings) -> None:
    base = serving.base_address(settings)
    stops = "stops it" if settings.database_url is not None else "stops it, and the database with it"
    say(
        f"\nThe map service is at {base}   (Ctrl-C {stops})\n\n"
        f"  {base}/find          help near a postcode\n"
        f"  {base}/map           everything on one map\n"
        f"  {base}/data          the layers in QGIS, Excel and notebooks\n"
        f"  {base}/api           OGC API - Features; try: ogrinfo OAPIF:{base}/api\n"
    )
    if settings.basemap == "none":
        say("For streets under the map: MAPSERVICE_BASEMAP=osm (a trial) or custom; see `make doctor`.\n")


@cli.command("import")
@click.argument("source")
@click.argument("file", required=False)
@click.option("--actor", help="Who makes this change, for the history. Default: the login name.")
@click.option("--reason", help="Why, for the history. Default: the name of the file.")
@click.option("--replace", is_flag=True, help="Also remove what FILE lacks: it is the whole truth.")
@click.option(
    "--decisions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="open-referral and other people's green spaces: what was decided of unsure matches.",
)
@click.option("--provenance", help="Other people's green spaces: the id of their source in sources.csv.")
@click.option("--private", is_flag=True, help="open-referral: the feed may be on a private network.")
def import_(
    source: str,
    file: str | None,
    actor: str | None,
    reason: str | None,
    replace: bool,
    decisions: Path | None,
    provenance: str | None,
    private: bool,
) -> None:
    """Take FILE in as SOURCE: all of it, or nothing and a list of what is wrong, by line and field.

    For open-referral FILE may be the http(s) address of a feed. Green spaces that others have drawn are
    compared first, and nothing is written until --decisions says what is to be done (docs/exchange.md).
    """
    from mapservice.exchange_commands import import_exchange
    from mapservice.feed_commands import import_open_referral
    from mapservice.preparation import measure_walks, progress_bar
    from mapservice.sources import SOURCES, run_import
    from mapservice.sources.exchange import KINDS

    settings = load_settings()
    kind = next((kind for kind in KINDS if kind == source), None)
    if source == "open-referral":
        if replace:
            raise click.UsageError("--replace is not for open-referral: a feed is never the whole truth.")
        import_open_referral(settings, file, actor or _login_name(), reason, decisions, private, say)
        return
    if source not in SOURCES and kind is None:
        known = ", ".join((*SOURCES, "open-referral", *KINDS))
        raise OperatorError(f"There is no source {source!r}. There are: {known}")
    path = Path(file) if file else None
    if path is not None and not path.is_file():
        raise click.BadParameter(f"File {file!r} does not exist.", param_hint="'[FILE]'")
    if kind is not None:
        if path is None:
            raise OperatorError(f"{source} needs a FILE.")
        import_exchange(settings, kind, path, actor or _login_name(), reason, decisions, provenance, say)
        return
    with open_database(settings, command=f"mapservice import {source}", say=say) as database:
        with progress_bar() as progress:
            report = run_import(
                database,
                source,
                path,
                actor or _login_name(),
                reason=reason,
                replace=replace,
                progress=progress,
            )
        click.echo(report.render())
        if report.changes:
            measure_walks(database, say)
    if not report.ok:
        sys.exit(1)


@cli.command()
def walk() -> None:
    """Measure how far every postcode is from every place, on foot: whatever has changed since last time.

    May be stopped at any time; the next run goes on from there. Importing and starting do the same.
    """
    from mapservice.network.store import read_loaded
    from mapservice.preparation import measure_walks

    settings = load_settings()
    with open_database(settings, command="mapservice walk", say=say) as database:
        with database.reading() as cursor:
            loaded = read_loaded(cursor)
        if loaded is None:
            raise OperatorError(
                "No walking network is loaded, so that distances are straight lines. Load one first: "
                "mapservice import osm <file>, or mapservice import open-roads <file>"
            )
        if not measure_walks(database, say):
            say("All walks are measured already.")


@cli.command()
@click.argument("layer")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; its ending chooses the format. Default: <layer>.geojson",
)
@click.option("--licence", help="Only what is under this licence, as in 'Open Database License 1.0'.")
def export(layer: str, output: Path | None, licence: str | None) -> None:
    """Write LAYER, as the service publishes it, to a file."""
    from mapservice.layers.catalogue import build_catalogue
    from mapservice.layers.export import NoLicences, UnknownFormat, export_layer
    from mapservice.register.borough import read_borough

    settings = load_settings()
    catalogue = build_catalogue(read_borough(settings.geodata_dir))
    wanted = catalogue.get(layer)
    if wanted is None:
        known = ", ".join(each.id for each in catalogue)
        raise OperatorError(f"There is no layer {layer!r}. There are: {known}")
    target = output or Path(f"{layer}.geojson")
    if not target.absolute().parent.is_dir():
        raise OperatorError(f"There is no folder {target.parent}")
    with open_database(settings, command=f"mapservice export {layer}", say=say) as database:
        try:
            site = settings.public_url or ""
            written = export_layer(database, wanted, target.absolute(), site, licence)
        except (UnknownFormat, NoLicences) as error:
            raise OperatorError(str(error)) from error
    say(f"Wrote {written} features to {target}")


@cli.command()
def doctor() -> None:
    """Say what is installed, what is missing and what a start would do. Changes nothing."""
    from mapservice.doctor import examine

    settings = load_settings()
    findings = examine(settings)
    click.secho("This machine", bold=True)
    colours = {"ok": "green", "note": "yellow", "missing": "red"}
    for finding in findings:
        mark = click.style(f"{finding.state:<8}", fg=colours[finding.state])
        click.echo(f"  {mark} {finding.what}: {finding.found}")
        if finding.remedy:
            click.echo(f"           -> {finding.remedy}")
    click.secho("Settings in force (bold where not the default)", bold=True)
    for row in describe_settings(settings):
        click.secho(f"  {row.variable} = {row.value}", bold=row.is_set)
        click.echo(textwrap.fill(row.description, 100, initial_indent=" " * 6, subsequent_indent=" " * 6))
    if any(finding.state == "missing" for finding in findings):
        sys.exit(1)


@cli.command("packages")
@click.option("--tests", is_flag=True, help="Also what tests need: Chromium, GDAL's programs, Pango.")
def packages_(tests: bool) -> None:
    """Install the system's packages that are missing, where that is allowed."""
    settings = load_settings()
    if settings.database_url is None:
        packages.ensure_postgres(say)
    if tests:
        packages.offer(packages.HEADLESS, say, tried=settings.var_dir / "not-installed")
        packages.ensure_extras(packages.TEST_EXTRAS, say)


cli.add_command(tokens)
cli.add_command(check_doors_command)
cli.add_command(searches_command)
cli.add_command(users)
cli.add_command(survey)


def _login_name() -> str:
    """The name of the person at the terminal, also behind sudo."""
    import getpass

    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; mistakes an operator can mend become messages, not tracebacks."""
    from mapservice.register.borough import BoroughFileError
    from mapservice.web.frontend import FrontendError

    code: Any = 1
    try:
        code = cli.main(args=arguments, prog_name="mapservice", standalone_mode=False)
    except (OperatorError, BoroughFileError, FrontendError) as error:
        say(f"{error}")
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("Stopped.")
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)
