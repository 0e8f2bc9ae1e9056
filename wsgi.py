"""The application for a WSGI server."""

from mapservice import create_app

app = create_app()
