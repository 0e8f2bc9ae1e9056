"""Potential spaces, for tests of pages as for tests of the room."""

from tests.survey.conftest import suggest, who  # noqa: F401 - fixtures
