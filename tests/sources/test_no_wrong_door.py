"""The partnership's "No wrong door" table, place by place, through the wards of 2002."""

LISTED = {
    "north": {
        "archway-library",
        "north-library",
        "manor-gardens-welfare-trust",
        "brickworks-community-centre",
        "andover-community-centre",
        "archway-childrens-centre",
        "hornsey-road-childrens-centre",
        "archway-medical-centre",
        "st-johns-way-medical-centre",
        "north-fairer-together-hub",
    },
    "central": {
        "222-upper-street",
        "islington-central-library",
        "mildmay-library",
        "n4-library",
        "south-library",
        "the-arc-centre",
        "elizabeth-house-community-centre",
        "packington-childrens-centre",
        "new-river-green-childrens-centre",
        "highbury-grange-medical-practice",
        "river-place-health-centre",
    },
    "south": {
        "finsbury-library",
        "lewis-carroll-childrens-library",
        "west-library",
        "the-peel-centre",
        "st-lukes-community-centre",
        "jean-stokes-community-centre",
        "moreland-childrens-centre",
        "kate-greenaway-nursery-school-and-childrens-centre",
        "city-road-medical-centre",
        "killick-street-health-centre",
    },
}


def test_every_listed_place_is_in_the_register_under_its_locality(database):
    with database.reading() as cursor:
        cursor.execute("SELECT listed_under, id FROM layers.assets WHERE listed_under IS NOT NULL")
        found = {}
        for locality, id_ in cursor.fetchall():
            found.setdefault(locality, set()).add(id_)
    assert found == LISTED
    assert sum(map(len, found.values())) == 31


def test_30_of_30_places_with_a_location_lie_in_the_locality_they_are_listed_under(database):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT id, listed_under, areas #>> '{localities,0,id}' FROM layers.assets"
            " WHERE listed_under IS NOT NULL AND geom IS NOT NULL"
        )
        places = cursor.fetchall()
    assert len(places) == 30
    assert [place for place in places if place[1] != place[2]] == []


def test_joining_on_todays_ward_names_fails_which_is_why_vintages_exist(database):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT f.id FROM layers.assets f WHERE f.listed_under IS NOT NULL AND f.geom IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM register.locality_wards lw"
            "  JOIN register.areas w ON w.key = lw.ward_key JOIN register.areas l ON l.key = lw.locality_key"
            "  WHERE l.id = f.listed_under AND w.name = f.areas #>> '{wards-2022,0,name}')"
        )
        wrong = {row[0] for row in cursor.fetchall()}
    assert wrong >= {
        "n4-library",
        "222-upper-street",
        "st-lukes-community-centre",
        "moreland-childrens-centre",
    }


def test_laycock_lies_in_all_three_localities(database):
    with database.reading() as cursor:
        cursor.execute("SELECT areas -> 'localities' FROM layers.areas WHERE id = 'laycock'")
        shares = {item["id"]: item["share"] for item in cursor.fetchone()[0]}
    assert set(shares) == {"north", "central", "south"}
    assert abs(sum(shares.values()) - 1) < 0.01
    assert max(shares.values()) < 1


def test_the_hubs_are_a_library_a_closed_door_and_a_place_to_come(database):
    with database.reading() as cursor:
        cursor.execute(
            "SELECT hub_for, id, position, support FROM layers.assets"
            " WHERE hub_for IS NOT NULL ORDER BY hub_for"
        )
        hubs = cursor.fetchall()
    six = ["work", "money", "food", "home", "family", "wellbeing"]
    assert hubs == [
        ("central", "222-upper-street", "postcode", six),
        ("north", "north-fairer-together-hub", "none", six),
        ("south", "finsbury-library", "postcode", six),
    ]


def test_every_record_names_a_source_with_a_licence_and_nothing_made_up_looks_real(database):
    with database.reading() as cursor:
        for table in ("assets", "green_spaces"):
            cursor.execute(f"SELECT count(*) FROM layers.{table} WHERE source = '' OR licence = ''")
            assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT name, status, address, verified FROM layers.green_spaces WHERE demonstration ORDER BY id"
        )
        made_up = cursor.fetchall()
        assert len(made_up) == 9
        assert all("not a real proposal" in name and status == "potential" for name, status, _, _ in made_up)
        assert all(address is None and not verified for _, _, address, verified in made_up)
        cursor.execute("SELECT count(*) FROM register.assets WHERE demonstration")
        assert cursor.fetchone() == (0,)
