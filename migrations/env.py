"""Alembic's environment: migrations run as the owner role, on the engine the caller hands over."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, MetaData

from mapservice.register.models import Base

SCHEMAS = {"register", "history", "layers"}


def include_name(name: str | None, type_: str, parent_names: object) -> bool:
    return name in SCHEMAS if type_ == "schema" else True


def run(connection: Connection, metadata: MetaData) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=include_name,
        version_table_schema="public",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


with current_app.extensions["database"].owner.connect() as owner_connection:
    run(owner_connection, Base.metadata)
    owner_connection.commit()
