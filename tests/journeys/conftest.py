"""The two screens every journey is made on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.visitor import DESK, PHONE


@pytest.fixture(params=[pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk")])
def screen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A phone of 360 by 740 with touch, or a desk of 1280 by 800."""
    options: dict[str, Any] = request.param
    return options
