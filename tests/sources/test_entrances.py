"""Entrances come in from a list made on a walk, and nothing wrong in it gets in. All made up."""

import pytest

from mapservice.sources import run_import

SAMPLE = """place,longitude,latitude,easting,northing,name,step_free,source,confirmed_on,note
finsbury-library,-0.10460,51.52640,,,Main door (made-up example),yes,demonstration,2026-11-20,made up
finsbury-library,,,531570,182640,Back door (made-up example),no,demonstration,,made up
green-spaces/highbury-fields,,,531800,185400,,unknown,demonstration,,made up
"""
HEAD = "place,longitude,latitude,easting,northing,step_free,source\n"


@pytest.fixture
def give(database, tmp_path):
    """A function that imports a text as entrances."""

    def run(text, **options):
        file = tmp_path / "entrances.csv"
        file.write_text(text)
        return run_import(database, "entrances", file, "tester", **options)

    return run


def entrances(database):
    with database.reading() as cursor:
        return cursor.execute(
            "SELECT e.id, a.id, g.id, e.step_free, e.confirmed_on::text, round(ST_X(e.geom))::int"
            " FROM register.entrances e LEFT JOIN register.assets a ON a.key = e.asset_key"
            " LEFT JOIN register.green_spaces g ON g.key = e.green_space_key ORDER BY e.id"
        ).fetchall()


def test_entrances_come_in_once_and_stay_what_they_are(database, give):
    report = give(SAMPLE)
    assert report.ok, report.render()
    assert report.created == 3
    assert entrances(database) == [
        ("finsbury-library-back-door-made-up-example", "finsbury-library", None, "no", None, 531570),
        (
            "finsbury-library-main-door-made-up-example",
            *("finsbury-library", None, "yes", "2026-11-20", 531582),
        ),
        ("highbury-fields-531800-185400", None, "highbury-fields", "unknown", None, 531800),
    ]
    assert not report.warnings
    with database.reading() as cursor:
        said = "SELECT step_free, step_free_source FROM layers.assets WHERE id = 'finsbury-library'"
        assert cursor.execute(said).fetchone() == ("yes", "Demonstration records")
    assert give(SAMPLE).unchanged == 3
    assert give("\n".join(SAMPLE.splitlines()[:3]) + "\n", replace=True).removed == 1
    assert len(entrances(database)) == 2


@pytest.mark.parametrize(
    "line, field, reason",
    [
        ("finsbury-librry,-0.1046,51.5264,,,yes,demonstration", "place", "did you mean finsbury-library"),
        ("assets/highbury-fields,-0.1046,51.5264,,,yes,demonstration", "place", "not a known place"),
        ("finsbury-library,-0.1046,51.5264,531570,182640,yes,demonstration", "longitude", "one pair or the"),
        ("finsbury-library,,,,,yes,demonstration", "longitude", "must be filled in"),
        ("finsbury-library,-0.1046,,,,yes,demonstration", "latitude", "must be filled in"),
        ("finsbury-library,51.5264,-0.1046,,,yes,demonstration", "longitude", "not a longitude"),
        ("finsbury-library,,,182640,531570,yes,demonstration", "easting", "outside the borough"),
        ("finsbury-library,,,530000,186000,yes,demonstration", "place", "m from this position"),
        ("finsbury-library,-0.1046,51.5264,,,maybe,demonstration", "step_free", "maybe"),
        ("finsbury-library,-0.1046,51.5264,,,yes,hearsay", "source", "hearsay"),
        (",-0.1046,51.5264,,,yes,demonstration", "place", "must be filled in"),
    ],
    ids=[
        *("misspelt", "wrong-kind", "two-positions", "no-position", "half-a-position", "swapped-degrees"),
        *("swapped-metres", "far-away", "no-such-answer", "no-such-source", "no-place"),
    ],
)
def test_what_is_wrong_is_told_by_its_line_and_nothing_gets_in(database, give, line, field, reason):
    before = entrances(database)
    report = give(f"{HEAD}finsbury-library,,,531570,182640,no,demonstration\n{line}\n")
    wrong = [one for one in report.rejected if one.line == 3 and one.field == field]
    assert wrong, report.render()
    assert reason in f"{wrong[0].reason} {wrong[0].value}"
    assert entrances(database) == before


def test_the_same_door_twice_in_a_file_is_refused(give):
    line = "finsbury-library,,,531570,182640,no,demonstration\n"
    assert "twice" in give(HEAD + line + line).rejected[0].reason
