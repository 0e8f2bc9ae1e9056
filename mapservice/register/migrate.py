"""Run the migrations: the only way the schema changes."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
from alembic.runtime.migration import MigrationContext
from flask import Flask

from mapservice.database.engines import Database
from mapservice.register import (  # noqa: F401 - they add their tables to Base
    exchange_models,
    population_models,
    service_models,
)
from mapservice.register.models import Base

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`; does nothing where it is there already."""
    with _migrating(database).app_context():
        flask_migrate.upgrade(revision=revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision` ("base" removes everything)."""
    with _migrating(database).app_context():
        flask_migrate.downgrade(revision=revision)


def current(database: Database) -> str | None:
    """The revision the database is at, or None before the first migration."""

    with database.owner.connect() as connection:
        return MigrationContext.configure(
            connection, opts={"version_table_schema": "public"}
        ).get_current_revision()


def _migrating(database: Database) -> Flask:
    """The least app Flask-Migrate needs, so that migrating does not build the whole service."""
    app = Flask("mapservice")
    app.extensions["database"] = database
    flask_migrate.Migrate(app, db=Base, directory=str(MIGRATIONS))
    return app
