"""Potential spaces, for tests of pages as for tests of the room."""

from tests.survey.conftest import suggest  # noqa: F401 - a fixture
