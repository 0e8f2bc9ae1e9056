"""Where a space is, in words: what stands for a spot, and what is said of it."""

import uuid

from tests.web.survey.test_suggesting import FORM, rows


def test_a_street_or_a_place_is_a_place_too_and_it_says_how_little_is_known(app, browse):
    browser = browse()
    browser.post(FORM, id=str(uuid.uuid4()), name="In the street", place=" upper  street")
    ((fields, position, metres),) = rows(
        app,
        "SELECT s.fields, f.position, ST_Distance(f.geom, (SELECT ST_Collect(a.geom) FROM register.assets a"
        " WHERE a.address ILIKE '%Upper Street%')) FROM register.green_spaces f JOIN survey.submissions s"
        " ON s.green_space_key = f.key WHERE f.name = 'In the street'",
    )
    assert fields["place"] == "Somewhere along Upper Street"
    assert position == "approximate"
    assert metres < 1
    asked = browser.get("/green-spaces/near?place=Upper+Street").json
    assert asked["said"] == "Somewhere along Upper Street"
    assert browser.get("/green-spaces/near?place=finsbury+library").json["said"] == "Near Finsbury Library"
    # Neither half a name, nor a district, nor a pattern is a street.
    for no_street in ("Upper", "Islington", "London", "Street", ".* Street", "Upper Stree[t]", "(", "\\"):
        assert browser.get("/green-spaces/near", query_string={"place": no_street}).json == {"spaces": []}
