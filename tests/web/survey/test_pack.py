"""The pack for a meeting: what is on it, who gets it, as a page, on paper and as files."""

import csv
import io
import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import text

from mapservice.survey import storage
from mapservice.web import paper

PACK = "/review/pack?locality=south"
S1, S2 = "demonstration-space-s1", "demonstration-space-s2"


@pytest.fixture(scope="module", autouse=True)
def changes(database):
    """A draft with a name no spreadsheet may run, and a space that came further."""
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET visibility = 'network', demonstration = false,"
                " name = '=HYPERLINK(\"x\")<script>' WHERE id = :id"
            ),
            {"id": S2},
        )
        session.execute(
            text(
                "UPDATE register.green_spaces SET stage = 'plan', stage_reason = 'Agreed with the owner',"
                " demonstration = false WHERE id = :id"
            ),
            {"id": S1},
        )


@pytest.fixture(scope="module")
def photograph(database, settings):
    """A photograph of a candidate, kept as the survey keeps it."""
    content = io.BytesIO()
    Image.new("RGB", (60, 40), "green").save(content, "JPEG")
    stored = storage.keep(storage.folder_of(settings.var_dir), content.getvalue())
    file_id = uuid4()
    with database.session("tests") as session:
        session.execute(
            text(
                "INSERT INTO survey.files (id, green_space_key, green_space_id, kind, sha256, name, caption,"
                " media_type, bytes, width, height) SELECT :file, key, id, 'photograph', :sha256, 'a.jpg',"
                " 'The <b>wall</b>', 'image/jpeg', :bytes, 60, 40 FROM register.green_spaces WHERE id = :id"
            ),
            {"file": file_id, "sha256": stored.sha256, "bytes": stored.bytes, "id": S1},
        )
    return file_id


def rows(answer):
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_the_page_has_map_order_weights_changes_photographs_licences_and_date(signed_in, photograph):
    page = signed_in("reviewer").get(f"{PACK}&residents=1&deprivation=0&cost=0&ownership=0").text
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="app-drawn"' in page
    assert 'text-anchor="middle">1</text>' in page
    assert "residents who gain 100%, deprivation where they live 0%" in page
    assert page.index(f'href="/green-spaces/{S1}"') < page.index(f'href="/green-spaces/{S2}"')
    assert "What changed in the last 31 days" in page
    assert "“Plan being made”: Agreed with the owner" in page
    assert f'<img src="/files/{photograph}" alt="The &lt;b&gt;wall&lt;/b&gt;" width="60" height="40">' in page
    assert "Demonstration records: Open Government Licence v3.0" in page
    assert f"as of {date.today().day} " in page
    assert "Draft, not public" in page
    assert "<script>&" not in page
    assert "&lt;script&gt;" in page


def test_the_pdf_is_the_same_page_with_its_map_and_photographs(signed_in, photograph):
    answer = signed_in("reviewer").get("/review/pack.pdf?locality=south")
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="islington-south-pack-')
    assert answer.headers["Cache-Control"] == "private, no-store"
    document = PdfReader(io.BytesIO(answer.data))
    said = " ".join(" ".join(sheet.extract_text() for sheet in document.pages).split())
    for words in (
        "Meeting pack: South", "residents who gain 60%", "Agreed with the owner", "The <b>wall</b>", "1 km",
        "Open Government Licence",
    ):  # fmt: skip
        assert words in said
    assert "Sign out" not in said
    assert len({image.data for sheet in document.pages for image in sheet.images}) == 1
    assert [round(side) for side in document.pages[0].mediabox[2:]] == [595, 842]


def test_a_pdf_reads_no_file_but_those_it_was_given_and_fetches_nothing(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it went out")

    monkeypatch.setattr("socket.socket.connect", never)
    (tmp_path / "secret.css").write_text("p::before { content: 'THE-SECRET' }")
    page = (
        f"<link rel=stylesheet href='file://{tmp_path}/secret.css'><img src='http://127.0.0.1:9/x.png'>"
        "<link rel=stylesheet href='/static/../secret.css'><img src='/files/gone' alt=''><p>Hello</p>"
    )
    gone = {"/files/gone": (tmp_path / "gone.jpg", "image/jpeg")}
    document = PdfReader(io.BytesIO(paper.as_pdf(page, "http://localhost", gone)))
    assert document.pages[0].extract_text().strip() == "Hello"


def test_without_its_libraries_the_page_says_so_and_is_all_there(signed_in, monkeypatch):
    monkeypatch.setattr(paper, "can_be_made", lambda: False)
    browser = signed_in("reviewer")
    answer = browser.get("/review/pack.pdf?locality=south&residents=3")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PACK}&residents=3")
    page = browser.get(PACK).text
    assert "This machine cannot make PDFs" in page
    assert "pack.pdf" not in page
    assert "Which first?" in page


def test_files_are_the_localitys_own_with_drafts_and_no_cell_is_a_formula(signed_in, tmp_path):
    import pyogrio

    browser = signed_in("reviewer")
    answer = browser.get("/review/pack.csv?locality=south")
    drafts = {row["id"]: row for row in rows(answer)}
    # The third is made up: it is in the pack only where nothing real is.
    assert {*drafts} == {S1, S2}
    assert (drafts[S1]["visibility"], drafts[S2]["visibility"]) == ("public", "network")
    assert drafts[S2]["name"] == '\'=HYPERLINK("x")<script>'
    assert drafts[S2]["licence"] == "Open Government Licence v3.0"
    path = tmp_path / "pack.gpkg"
    path.write_bytes(browser.get("/review/pack.gpkg?locality=south").data)
    frame = pyogrio.read_dataframe(path)
    assert {*frame.id} == {*drafts}
    assert frame.crs.to_epsg() == 27700
    existing = rows(browser.get("/review/pack.csv?locality=south&layer=green-spaces"))
    assert {row["locality"] for row in existing} == {"South"}
    assert len(existing) > 20
    assert browser.get("/review/pack.csv?locality=south&layer=assets").status_code == 404


def test_what_is_made_up_is_drawn_and_credited_only_where_nothing_is_real(signed_in, database, monkeypatch):
    from mapservice.web.survey import pack

    drawn = []
    draw = pack.draw_map

    def spy(cursor, layers, *rest, **more):
        drawn.append(next(layer for layer in layers if layer.id == "potential-green-spaces").where)
        return draw(cursor, layers, *rest, **more)

    monkeypatch.setattr(pack, "draw_map", spy)
    source = "Demonstration records: Open Government Licence v3.0"
    assert source in signed_in("reviewer").get(PACK).text  # of the two that stand here for real ones
    assert drawn.pop().endswith("AND NOT f.demonstration")
    browser = signed_in("planner")
    page = browser.get("/review/pack?locality=north").text
    assert "Every space in this list is an example" in page
    assert source in page
    assert "NOT f.demonstration" not in drawn.pop()
    assert {row["demonstration"] for row in rows(browser.get("/review/pack.csv?locality=north"))} == {"true"}
    with database.session("tests") as session:
        session.execute(
            text(
                "UPDATE register.green_spaces SET stage = 'declined', stage_reason = 'Built upon'"
                " WHERE id LIKE 'demonstration-space-n%'"
            )
        )
    page = browser.get("/review/pack?locality=north").text
    assert "No potential green space is recorded here yet." in page
    assert source not in page
    assert drawn.pop().endswith("AND NOT f.demonstration")


def test_another_locality_is_not_theirs(signed_in):
    reviewer, planner, surveyor = (signed_in(role) for role in ("reviewer", "planner", "surveyor"))
    for ending in ("", ".pdf", ".csv", ".gpkg"):
        assert reviewer.get(f"/review/pack{ending}?locality=north").status_code == 403
        assert reviewer.get(f"/review/pack{ending}?locality=nowhere").status_code == 404
        assert reviewer.get(f"/review/pack{ending}?locality=%00").status_code == 404
    assert planner.get("/review/pack?locality=north").status_code == 200
    assert "pack.csv" not in surveyor.get(PACK).text
    assert surveyor.get("/review/pack.csv?locality=south").status_code == 403


def test_meetings_are_noted_by_reviewers_of_the_locality_and_the_pack_begins_with_them(signed_in):
    browser = signed_in("reviewer")
    page = browser.get("/review/meetings").text
    assert "No meeting has been noted yet" in page
    assert "North" not in page
    yesterday = date.today() - timedelta(days=1)
    for day, locality, status in (
        (str(yesterday), "south", 303),
        (str(yesterday), "north", 403),
        ("31 May", "south", 400),
        (str(date.today() + timedelta(days=1)), "south", 400),
        (str(yesterday), "nowhere", 404),
    ):
        answer = browser.post("/review/meetings", held_on=day, locality=locality)
        assert answer.status_code == status, (day, locality)
    page = browser.post("/review/meetings", held_on="31 May", locality="south").text
    print(page[page.index("<h1") :])
    assert 'value="31 May"' in page
    assert "What changed since the meeting of" in browser.get(PACK).text
    browser.post("/review/meetings", held_on=str(yesterday), locality="south", forget="1")
    assert "No earlier meeting has been noted." in browser.get(PACK).text


def test_pack_and_meetings_are_in_the_language_of_the_page(signed_in):
    browser = signed_in("reviewer")
    for path in (PACK, "/review/meetings"):
        page = browser.get(f"{path}{'&' if '?' in path else '?'}lang=en-XA").text
        headings = re.findall(r"<(?:h[12]|th|caption)[^>]*>\s*([^<]+?)\s*</", page)
        assert len(headings) >= 2
        assert not [text for text in headings if text.isascii() and text != "South"], path
