"""The question and its answer, as a person without JavaScript gets them, whatever was typed."""

import re
from datetime import datetime
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapservice.finder.contacts import read_contacts
from mapservice.register.opening_hours import LONDON
from mapservice.web import frame

NOON = datetime(2026, 11, 24, 12, tzinfo=LONDON)
LAST_RESORT = "tel:02075272000"
FIELDS = (
    "postcode",
    "need",
    "lon",
    "lat",
    "locality",
    "near",
    "open",
    "step_free",
    "children",
    "outdoors",
    "language",
)
MARK = "zq<b>'\"&zq"


class Tags(HTMLParser):
    """The tags of a page that no template of ours writes."""

    def __init__(self):
        super().__init__()
        self.strange = []

    def handle_starttag(self, tag, attributes):
        if tag == "b":
            self.strange.append(tag)


def main_of(answer):
    text = answer.text
    return text[text.index("<main") : text.index("</main")]


def places(answer):
    return re.findall(r'class="app-place__name"><a class="govuk-link" href="/assets/([^"]+)"', answer.text)


@pytest.mark.parametrize("typed", ["N1 9JP", "n19jp", " n1  9jp ", "NI 9JP", "nl-9jp", "N1.9JP"])
def test_a_postcode_is_understood_however_typed(client, typed):
    answer = client.get("/find", query_string={"postcode": typed})
    assert answer.status_code == 200
    assert 'Help near <span class="app-nowrap">N1 9JP</span>' in answer.text


@pytest.mark.parametrize(
    "typed, part",
    [("N19 4ED", "N19 4"), ("EC1V 8AF", "EC1V 8"), ("N7 6BF", "N7 6"), ("N7", "N7"), ("n1 9z", "N1 9")],
)
def test_a_postcode_that_is_not_in_the_list_is_answered_from_the_middle_of_its_part(client, typed, part):
    answer = client.get("/find", query_string={"postcode": typed, "need": "food"})
    assert answer.status_code == 200
    assert f'Help near <span class="app-nowrap">{part}</span>' in answer.text
    said = f"This is for {part}" if len(typed) > 5 else f"This is for the middle of {part}"
    assert said in main_of(answer)
    assert len(places(answer)) >= 3
    assert "Problem" not in answer.text
    assert re.search(r'value="food"[^>]*checked', answer.text)


def test_a_postcode_of_an_unknown_area_offers_a_person_and_the_localities(client):
    answer = client.get("/find?postcode=ZZ9+9ZZ&need=food")
    text = main_of(answer)
    assert answer.status_code == 404
    assert "We do not know that postcode" in text
    assert "govuk-error" not in text
    assert text.index(LAST_RESORT) < text.index("/find?locality=south&amp;need=food")


@pytest.mark.parametrize("typed", ["N1 9JPP", "N1 O9JP", "nn1 9jp", "N1 99JP"])
def test_a_postcode_with_a_letter_too_many_is_asked_back(client, typed):
    answer = client.get("/find", query_string={"postcode": typed, "need": "food"})
    text = main_of(answer)
    assert answer.status_code == 200
    assert "Which one do you mean?" in text
    assert 'href="/find?postcode=N1+9JP&amp;need=food">N1 9JP</a>' in text
    assert LAST_RESORT in text


@pytest.mark.parametrize("typed", ["222 Upper Street, N1 9JP", "n1 9jp london"])
def test_a_postcode_in_an_address_is_found(client, typed):
    text = client.get("/find", query_string={"postcode": typed}).text
    assert 'Help near <span class="app-nowrap">N1 9JP</span>' in text


def test_slips_in_names_wards_and_localities_are_understood(client):
    def near(typed):
        return re.search(
            r'Help near <span class="app-nowrap">([^<]+)',
            client.get("/find", query_string={"postcode": typed}).text,
        )[1]

    assert near("finsbury libary") == "Finsbury Library"
    assert near("South Islington") == "anywhere in South"
    assert near("Barnsbury") == "Barnsbury"
    assert near("Holloway") == "Holloway"  # a ward of the older boundaries alone
    assert near("Junction") == "Junction"


def test_a_name_that_several_have_is_no_mistake_and_nothing_found_is_no_dead_end(client):
    several = client.get("/find?postcode=holloway+road")
    assert several.status_code == 200
    assert "<title>Which one do you mean?" in several.text
    assert "govuk-error" not in main_of(several)
    nothing = client.get("/find?postcode=xyzzyx&need=food")
    assert "govuk-error" not in main_of(nothing)
    assert "/find?locality=north&amp;need=food" in main_of(nothing)


def test_a_street_in_which_one_place_stands_is_not_taken_for_that_place(client):
    text = main_of(client.get("/find?postcode=upper+street&need=food"))
    assert 'Help near <span class="app-nowrap">Upper Street</span>' in text
    assert "somewhere along Upper Street" in text
    assert "on foot" not in text
    building = main_of(client.get("/find?postcode=222+upper+street&need=food"))
    assert 'Help near <span class="app-nowrap">222 Upper Street</span>' in building
    assert "somewhere along" not in building
    nowhere = client.get("/find?postcode=chapel+market")
    assert nowhere.status_code == 404
    assert "only streets in which a listed place stands" in main_of(nowhere)


@pytest.mark.parametrize("postcode, need, first", [("N1 7RH", "food", 1), ("N19 5PH", "family", 2)])
def test_the_nearest_that_are_known_to_help_come_first_as_the_page_says(client, postcode, need, first):
    text = main_of(client.get("/find", query_string={"postcode": postcode, "need": need}))
    listed = text[text.index("The nearest that are known to help with ") :]
    listed = listed[: listed.index("People to ring")]
    cards = listed.split('class="app-place__name"')[1:]
    helping = [bool(re.search(r"(Listed for help|helps) with (food|your family)", card)) for card in cards]
    far = [
        float(number) * (1000 if unit == "km" else 1)
        for number, unit in (re.search(r"([0-9.]+) (km|metres)", card).groups() for card in cards)
    ]
    known = [metres for metres, helps in zip(far, helping, strict=True) if helps]
    assert all(helping[:first])
    assert known == sorted(known)


def test_a_retired_postcode_still_works_and_says_so(client):
    assert "no longer in use" in client.get("/find?postcode=WC1X+9EY").text


def test_a_place_a_street_and_a_locality_are_starts_too(client):
    assert 'Help near <span class="app-nowrap">Finsbury Library</span>' in (
        client.get("/find?postcode=finsbury+library").text
    )
    several = client.get("/find?postcode=holloway+road&need=food")
    assert "Which one do you mean?" in several.text
    chosen = re.search(r'href="(/find\?near=[^"]+)"', several.text)[1].replace("&amp;", "&")
    assert "need=food" in chosen
    assert client.get(chosen).status_code == 200
    whole = client.get("/find?locality=central&need=food")
    assert "anywhere in Central" in whole.text
    assert "222 Upper Street" in whole.text
    assert "on foot" not in whole.text


def test_an_answer_says_of_each_place_what_decides_whether_to_go(client):
    text = main_of(client.get("/find?postcode=N1+9JP&need=food"))
    first = re.search(r'<li class="app-place app-place--first".*?</details>\s*</li>', text, re.DOTALL)[0]
    for said in (
        "Finsbury Library",
        "Fairer Together Hub",
        "At least 13 minutes on foot",
        "km (0.6 miles) in a straight line",
        "steps",
        "245 St John Street",
        "Directions to Finsbury Library",
        "Listed for help with food",
        "Source: ",
        "As known 2023",
    ):
        assert said in first, said
    assert re.search(r"Open now|Closed now|bank holiday", first)


def test_directions_tell_nobody_where_one_starts(client):
    text = client.get("/find?postcode=N1+9JP&need=food").text
    outside = re.findall(r'<a[^>]+href="(https?://[^"]+)"[^>]*>', text)
    assert outside
    assert all("51.5313" not in address and "N1" not in address for address in outside)
    for link in re.findall(r'<a[^>]+href="https?://www.openstreetmap[^>]+>', text):
        assert "noreferrer" in link


def test_no_cache_keeps_and_no_other_site_hears_of_an_answer(client):
    for page in ("/find?postcode=N1+9JP", "/find?postcode=N1+9ZZ", "/find?lon=-0.1&lat=51.5"):
        headers = client.get(page).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"


def test_wishes_that_nothing_meets_are_named_and_the_nearest_shown(client):
    answer = client.get("/find?postcode=N1+9JP&need=food&step_free=1&language=Klingon")
    text = main_of(answer)
    assert "We do not know yet of any place whether it has a way in without steps" in text
    assert "Search without “Klingon”" in text
    assert len(places(answer)) >= 5
    assert LAST_RESORT in text


def test_wishes_that_something_meets_keep_the_rest_out(app, client):
    answer = client.get("/find?postcode=N1+9JP&need=family&children=1")
    text = main_of(answer)
    listed = text[text.index("Where to go for help with your family") : text.index("People to ring")]
    assert "Children&#39;s Centre" in listed
    assert "Vernon Hall" not in listed
    assert "Search without" not in text


def test_outdoors_brings_green_spaces_up(client):
    text = main_of(client.get("/find?postcode=N1+9JP&need=money&outdoors=1"))
    assert text.index("Outdoors</h2>") < text.index("Other places close by")


@pytest.mark.parametrize(
    "need,names",
    [
        ("family", ["Children&#39;s Services Contact Team", "Bright Start", "Bright Futures", "CAMHS"]),
        ("wellbeing", ["Adult Social Care", "Emergency Duty Team"]),
    ],
)
def test_the_ways_in_for_the_need_are_told(client, need, names):
    text = main_of(client.get(f"/find?postcode=N1+9JP&need={need}"))
    for name in names:
        assert name in text
    assert text.index("tel:999") < text.index("Start here")
    assert text.rindex(LAST_RESORT) > text.index(names[0])


def test_a_neighbour_is_told_its_council_where_the_source_says_and_never_by_guess(
    fresh_database, settings, front_end
):
    from mapservice import create_app

    client = create_app(settings, fresh_database).test_client()
    unknown = client.get("/find?postcode=EC2V+7HH").text
    assert "in another borough" in unknown
    assert "https://www.gov.uk/find-local-council" in unknown
    with fresh_database.session("tester", as_owner=True) as session:
        session.connection().connection.cursor().execute(
            "UPDATE register.postcodes SET district = 'E09000001' WHERE postcode = 'EC2V 7HH'"
        )
    known = client.get("/find?postcode=EC2V+7HH").text
    assert "your own council is City of London Corporation" in known
    assert "app-place__name" in known


def test_a_closed_place_is_said_to_be_closed_and_comes_last(fresh_database, settings, front_end):
    from mapservice import create_app

    client = create_app(settings, fresh_database).test_client()
    with fresh_database.session("tester", as_owner=True) as session:
        session.connection().connection.cursor().execute(
            "INSERT INTO register.closures (id, asset_key, first_day, reason, source_id)"
            " SELECT 'flood', key, '2026-01-01', 'after a flood', source_id FROM register.assets"
            " WHERE id = 'vernon-hall'"
        )
    found = client.get("/find?postcode=N1+9JP&need=food")
    assert "Closed for now: after a flood." in found.text
    named = places(found)
    assert named.index("vernon-hall") > named.index("west-library")
    place = client.get("/assets/vernon-hall").text
    assert "until further notice: after a flood" in place
    for fact in ("Hearing loop", "Changing Places toilet", "Parking"):
        assert fact in place


def test_contacts_for_needs_are_data(database):
    with database.reading() as cursor:
        family = {contact.id for contact in read_contacts(cursor) if "family" in contact.needs}
    assert {"bright-start", "bright-futures", "childrens-services-contact-team"} <= family


def test_places_not_known_to_help_are_not_called_help_and_bare_ones_come_last(client, database):
    with database.reading() as cursor:
        bare = {
            key
            for (key,) in cursor.execute(
                "SELECT id FROM layers.assets WHERE NOT verified OR (support = '{}' AND listed_under IS NULL"
                " AND COALESCE(opening_hours, opening_note, phone, email, website) IS NULL)"
            )
        }
    said = set()
    for postcode in ("N1 9JP", "N19 4LP", "N4 3NW", "N7 0SX", "EC1V 4NB", "N5 1BT"):
        for need in ("money", "work", "food"):
            answer = client.get("/find", query_string={"postcode": postcode, "need": need})
            text = main_of(answer)
            title = re.search(r">((?:Where to go for help with|Where to ask about)[^<]+)", text)[1]
            if title.startswith("Where to ask"):
                assert "Not known to help with" in text
            said.add(title.split()[2])
            listed = text[text.index(title) : text.index("People to ring")]
            first = re.findall(r'app-place__name"><a class="govuk-link" href="/assets/([^"]+)"', listed)
            order = [one in bare for one in first if "ring first" not in one]
            assert not order[0], (postcode, need, first)
    assert "ask" in said


@pytest.mark.parametrize("need", ["food", "home", "money"])
def test_there_is_always_somebody_to_ring_about_a_need(client, need, monkeypatch):
    monkeypatch.setattr(frame, "now", lambda: NOON)
    text = main_of(client.get(f"/find?postcode=N1+9JP&need={need}"))
    people = text[text.index("People to ring about") : text.index("Other places close by")]
    assert people.index(LAST_RESORT) < people.index("mailto:")
    assert "We do not know its hours." in people
    assert ("tel:02072260992" in people) == (need != "money")
    if need != "money":
        assert "Adult social care when the office is closed" in people


def test_when_all_is_shut_whom_to_ring_comes_before_the_closed_doors(client, monkeypatch):
    shut, late = "No place below is known to be open now.", "tel:02072260992"
    monkeypatch.setattr(frame, "now", lambda: NOON.replace(hour=2))
    answer = client.get("/find?postcode=N1+9JP&need=home")
    text = main_of(answer)
    before, screen = text.index("Start here"), text[: text.index('class="app-sheet"')]
    assert text.index("tel:999") < text.index(shut) < text.index(late) < before
    assert screen.count(late) == 1
    assert "Emergency Duty Team" in text[text.index('class="app-sheet"') :]
    about_work = main_of(client.get("/find?postcode=N1+9JP&need=work"))
    assert shut in about_work
    assert late not in about_work
    monkeypatch.setattr(frame, "now", lambda: NOON)
    by_day = main_of(client.get("/find?postcode=N1+9JP&need=home"))
    assert shut not in by_day
    assert by_day.index(late) > by_day.index("People to ring")


def test_a_place_without_a_number_says_whom_to_ring(client):
    text = client.get("/assets/vernon-hall").text
    hours = text[text.index("Not known: call first") :][:400]
    assert LAST_RESORT in hours


def test_what_nobody_has_confirmed_says_so_on_paper_too(fresh_database, settings, front_end):
    from mapservice import create_app

    client = create_app(settings, fresh_database).test_client()
    with fresh_database.session("tester", as_owner=True) as session:
        session.connection().connection.cursor().execute(
            "UPDATE register.assets SET verified = false WHERE id = 'finsbury-library'"
        )
    text = client.get("/find?postcode=N1+9JP&need=food").text
    sheet = text[text.index('class="app-sheet"') :]
    assert "Finsbury Library (not confirmed)" in sheet


def test_the_sheet_of_a_locality_has_no_cross_and_says_where_to_start(client):
    def sheet(address):
        text = client.get(address).text
        return text[text.index('class="app-sheet"') :]

    whole, near = sheet("/find?locality=central&need=food"), sheet("/find?postcode=N1+9JP&need=food")
    assert "The cross is" in near
    assert "app-drawn__you" in near or "app-drawn__here" in near
    assert "The cross is" not in whole
    assert "Start here" in whole
    assert "Start here" in near


anything = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="ABNW1029 -.\x00'\"<>&%_\\", max_size=12),
    st.sampled_from(
        ["nan", "inf", "-1e400", "0", "51.5", "-0.11", "central", "assets/n4-library", MARK, "food"]
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=6))
def test_whatever_is_typed_there_is_a_way_on(client, typed):
    # A lone surrogate is no text that any browser could send.
    fields = {name: text.encode("utf-8", "replace").decode() for name, text in typed.items()}
    answer = client.get("/find", query_string=fields)
    assert answer.status_code in (200, 400, 404)
    assert LAST_RESORT in answer.text
    assert 'action="/find"' in answer.text
    assert "Traceback" not in answer.text
    tags = Tags()
    tags.feed(answer.text)
    assert not tags.strange


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.from_regex(r"\A ?[A-Za-z]{1,2}[0-9OoIilL][A-Za-z0-9]? ?[0-9oOIl][A-Za-z]{2} ?\Z"))
def test_whatever_looks_like_a_postcode_is_answered_kindly(client, typed):
    answer = client.get("/find", query_string={"postcode": typed})
    assert answer.status_code in (200, 404)
    assert answer.status_code == 200 or "postcode" in main_of(answer)
