"""The database: engines, roles, and the private PostGIS cluster for machines that have no server."""

from mapservice.database.engines import Database
from mapservice.database.opening import open_database

__all__ = ["Database", "open_database"]
