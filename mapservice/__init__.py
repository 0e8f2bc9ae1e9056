"""mapservice: the map a borough's community runs on."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from mapservice.database import Database
    from mapservice.settings import Settings

__version__ = importlib.metadata.version("mapservice")


def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """Build the web application: wire the rooms together, open nothing.

    Without arguments the settings come from the environment and the database from the settings; it is
    connected to on first use. Raises SettingsError or BoroughFileError where they are wrong.
    """
    # Imported here so that `import mapservice` costs nothing for commands that serve no page.
    from mapservice.web.application import build_application

    return build_application(settings, database)
