"""The borough beside what others published of it; docs/access.md says where and why ours differs."""

import pytest

from mapservice.analysis.access import BOROUGH, SMALL_AREAS, read_access
from mapservice.analysis.standards import STANDARDS

PUBLISHED_HECTARES = 67.78
PUBLISHED_SQUARE_METRES_EACH = 3.29
NUMBER = {standard.id: n for n, standard in enumerate(STANDARDS)}


@pytest.fixture(scope="module", params=["estimate", "boundary"])
def access(request, database):
    with database.reading() as cursor:
        return read_access(cursor, request.param, ("public",))


def share(access, boundary_set, standard):
    return {a.id: a.share(NUMBER[standard]) for a in access if a.boundary_set == boundary_set}


def test_green_space_the_public_can_use_is_about_what_is_published(access):
    borough = next(a for a in access if a.boundary_set == BOROUGH)
    assert borough.hectares == pytest.approx(PUBLISHED_HECTARES, rel=0.06)
    assert borough.square_metres_each == pytest.approx(PUBLISHED_SQUARE_METRES_EACH, rel=0.12)
    assert round(borough.residents) == 216656


def test_the_south_is_worst_wherever_size_matters(access):
    for standard in ("local", "neighbourhood", "wider-neighbourhood"):
        shares = share(access, "localities", standard)
        assert min(shares, key=shares.get) == "south", standard


def test_areas_of_each_kind_add_up_to_the_borough(access):
    for boundary_set, count in (
        ("localities", 3),
        ("wards-2002", 16),
        ("wards-2022", 17),
        (SMALL_AREAS, 126),
    ):
        rows = [a for a in access if a.boundary_set == boundary_set]
        assert len(rows) == count
        assert sum(a.residents for a in rows) == pytest.approx(216656, rel=0.002)


def test_spaces_beyond_the_border_count(access):
    # Finsbury Park and Clissold Park are Haringey's and Hackney's, and the nearest large parks of many.
    assert share(access, "wards-2022", "wider-neighbourhood")["finsbury-park"] > 0.95


def test_nobody_meets_a_standard_twice(access):
    for area in access:
        assert 0 <= min(area.met) <= max(area.met) <= area.residents + 0.001
