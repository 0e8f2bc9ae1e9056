"""The three roles, the extensions, and who may do what; the same on the private cluster and on a server.

Everything is asked for only where it is lacking, so preparing a prepared database changes nothing, and where
the account in DATABASE_URL may not do it the error lists exactly the SQL an administrator should run.
"""

from __future__ import annotations

import psycopg
from psycopg import errors, sql

from mapservice.settings import OperatorError

OWNER = "mapservice_owner"
EDITOR = "mapservice_editor"
READER = "mapservice_reader"
ROLES = (OWNER, EDITOR, READER)
EXTENSIONS = ("postgis", "pg_trgm", "unaccent")
OLDEST_POSTGRES = 14
OLDEST_POSTGIS = (3, 2)

Connection = psycopg.Connection[tuple[object, ...]]


class RolesError(OperatorError):
    """The database could not be prepared; the message says what an administrator should run."""


def prepare(connection: Connection, *, login: bool) -> list[str]:
    """Bring roles, extensions and grants of one database in order; returns the SQL that was needed.

    `connection` is in autocommit mode. `login`: whether one connects as the roles themselves (the private
    cluster) or as another account that takes them on with SET ROLE (a server). Raises `RolesError`.
    """
    check_version(connection)
    done: list[str] = []
    # Later questions ask about what earlier answers created, hence one step after the other.
    for needed in (_roles, _memberships, _extensions, _grants):
        statements = [statement.as_string(connection) for statement in needed(connection, login)]
        _run(connection, statements)
        done += statements
    _check_postgis(connection)
    return done


def check_version(connection: Connection) -> None:
    """Raise `RolesError` where PostgreSQL is too old."""
    major = connection.info.server_version // 10_000
    if major < OLDEST_POSTGRES:
        raise RolesError(f"PostgreSQL {major} is too old; mapservice needs {OLDEST_POSTGRES} or newer.")


def _check_postgis(connection: Connection) -> None:
    version = str(_one(connection, "SELECT public.postgis_lib_version()"))
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < OLDEST_POSTGIS:
        wanted = ".".join(str(part) for part in OLDEST_POSTGIS)
        raise RolesError(f"PostGIS {version} is too old; mapservice needs {wanted} or newer.")


def _run(connection: Connection, statements: list[str]) -> None:
    for number, statement in enumerate(statements):
        try:
            connection.execute(statement.encode())
        except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.UndefinedFile) as error:
            rest = "".join(f"\n  {line};" for line in statements[number:])
            raise RolesError(
                "The database is not ready, and the account in use may not make it so "
                f"({_first_line(error)}).\n"
                f"Ask its administrator to run, in database {connection.info.dbname}:{rest}"
            ) from error


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]


def _one(connection: Connection, query: str, *parameters: object) -> object:
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None


def _roles(connection: Connection, login: bool) -> list[sql.Composable]:
    wish = sql.SQL("LOGIN" if login else "NOLOGIN")
    return [
        sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), wish)
        for role in ROLES
        if not _one(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role)
    ]


def _memberships(connection: Connection, login: bool) -> list[sql.Composable]:
    if login:
        return []
    account = sql.Identifier(str(_one(connection, "SELECT session_user")))
    return [
        sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), account)
        for role in ROLES
        if not _one(connection, "SELECT pg_has_role(session_user, %s, 'MEMBER')", role)
    ]


def _extensions(connection: Connection, login: bool) -> list[sql.Composable]:
    statements: list[sql.Composable] = []
    for name in EXTENSIONS:
        installed = _one(connection, "SELECT extversion FROM pg_extension WHERE extname = %s", name)
        offered = _one(
            connection, "SELECT default_version FROM pg_available_extensions WHERE name = %s", name
        )
        if installed is None:
            statements.append(sql.SQL("CREATE EXTENSION {} SCHEMA public").format(sql.Identifier(name)))
        elif login and offered not in (None, installed):
            # The machine's packages moved on; on a server that is its administrator's decision.
            statements.append(sql.SQL("ALTER EXTENSION {} UPDATE").format(sql.Identifier(name)))
    return statements


def _grants(connection: Connection, login: bool) -> list[sql.Composable]:
    database, owner = sql.Identifier(connection.info.dbname), sql.Identifier(OWNER)
    statements: list[sql.Composable] = []
    if login and _one(
        connection,
        "SELECT 1 FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl"
        " WHERE datname = current_database() AND acl.grantee = 0",
    ):
        statements.append(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    if not _one(connection, "SELECT has_database_privilege(%s, current_database(), 'CREATE')", OWNER):
        statements.append(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, owner))
    for role in ROLES:
        # Asked of the privilege itself, not of what PUBLIC may do: that is withdrawn above.
        if not _one(
            connection,
            "SELECT 1 FROM pg_database, aclexplode(datacl) AS acl WHERE datname = current_database()"
            " AND acl.grantee = %s::regrole AND acl.privilege_type = 'CONNECT'",
            role,
        ):
            statements.append(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    database, sql.Identifier(role)
                )
            )
    if not _one(connection, "SELECT has_schema_privilege(%s, 'public', 'CREATE')", OWNER):
        statements.append(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(owner))
    # Set-up adds the borough's own coordinate system.
    if not _one(
        connection, "SELECT has_table_privilege(%s, 'public.spatial_ref_sys', 'INSERT,UPDATE')", OWNER
    ):
        statements.append(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON public.spatial_ref_sys TO {}").format(owner)
        )
    return statements
