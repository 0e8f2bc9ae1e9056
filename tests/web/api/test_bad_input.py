"""What is sent by mistake or in malice: a clear problem each time, and the data as it was."""

import socket
from urllib.parse import quote, urlsplit

import pytest

from mapservice.accounts.account import put_program
from mapservice.accounts.tokens import issue_token

SQL = ("'; DROP TABLE register.assets; --", "1) OR 1=1 --", "x' UNION SELECT rolname FROM pg_roles --")
ITEMS = "/api/collections/assets/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture(scope="module")
def rows(database):
    """Counts the rows of every table: what must not change."""

    def count():
        with database.reading() as cursor:
            tables = cursor.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname IN ('register', 'history') ORDER BY 1"
            ).fetchall()
            return {
                name: cursor.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for (name,) in tables
                if _readable(cursor, name)
            }

    return count


def _readable(cursor, table):
    return cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", (table,)).fetchone()[0]


@pytest.fixture
def problem(client):
    """Asks, and gives the problem that is the answer."""

    def ask(path, method="GET", **more):
        response = client.open(path, method=method, **more)
        assert 400 <= response.status_code < 500, (path, response.status_code, response.text[:300])
        assert response.content_type == "application/problem+json", path
        said = response.get_json()
        assert said["status"] == response.status_code
        assert said["title"]
        assert said["detail"]
        return said

    return ask


@pytest.mark.parametrize(
    "bbox",
    ["", "a,b,c,d", "1,2", "1,2,3,4,5", "1,2,3,4,5,6,7",
     ",,,", "nan,nan,nan,nan", "-inf,0,inf,1", "1e999,0,1,1", "1_0,51,1_1,52",
     "0x1,0,1,1", "\u0661,51,1,52", "0,52,1,51", "0,0,1,91", "-181,0,1,1", "0,0,1,1;", "(0,0,1,1)",
     "0,0,0,0,1,-1"],
)  # fmt: skip
def test_a_bbox_that_is_none(problem, bbox):
    said = problem(f"{ITEMS}?bbox={quote(bbox)}")
    assert [e["parameter"] for e in said["errors"]] == ["bbox"]


def test_a_bbox_with_heights_is_taken_without_them(client):
    flat = client.get(f"{ITEMS}?bbox=-0.2,51,0,52").get_json()
    tall = client.get(f"{ITEMS}?bbox=-0.2,51,-10,0,52,100").get_json()
    assert tall["numberMatched"] == flat["numberMatched"] > 50


def test_a_bbox_across_the_antimeridian_goes_the_short_way(client):
    # What has no place is in every box (/req/core/fc-bbox-response).
    nowhere = client.get(f"{ITEMS}?bbox=10,10,11,11").get_json()["numberMatched"]
    assert client.get(f"{ITEMS}?bbox=170,-10,-170,10").get_json()["numberMatched"] == nowhere
    # From 170° east across the date line to 1° east: the borough is in it, west of Greenwich.
    located = client.get(f"{ITEMS}?bbox=-0.2,51,0,52").get_json()["numberMatched"]
    assert client.get(f"{ITEMS}?bbox=170,50,1,52").get_json()["numberMatched"] == located


def test_a_reversed_bbox_of_metres_is_refused(problem):
    problem(f"{ITEMS}?bbox=532000,180000,531000,190000&bbox-crs={EPSG}27700")


@pytest.mark.parametrize(
    "when",
    ["2024-02-30", "2024-13-01", "2024-1-1", "20240101", "yesterday", "2024-01-01T25:00:00Z",
     "2024-01-01T00:00:00", "0000-01-01", "10000-01-01", "2024-01-02/2024-01-01",
     "2024-01-01/2024-01-02/2024-01-03", "//", "../../..", "2024-01-01/P",
     "2024-01-01/P1", "P1D/P1D", "P1D/..", "2024-01-01/P9999Y", "2024-01-01/PT", "../P1D",
     "0001-01-01T00:00:00+23:59", "NaN", "\u0662024-01-01", ""],
)  # fmt: skip
def test_a_date_that_is_none(problem, when):
    said = problem(f"{ITEMS}?datetime={quote(when)}")
    assert [e["parameter"] for e in said["errors"]] == ["datetime"]


@pytest.mark.parametrize("when", ["0001-01-01", "9999-12-31", "2024-01-01T00:00:00+23:59", "../9999-12-31"])
def test_the_first_and_last_of_dates_are_dates(client, when):
    assert client.get(f"{ITEMS}?datetime={quote(when)}").status_code == 200


def test_a_huge_limit_is_the_largest_limit(client):
    for limit in ("10001", "99999999999999999999999999", "9" * 999):
        assert client.get(f"{ITEMS}?limit={limit}").get_json()["numberReturned"] > 50


@pytest.mark.parametrize(
    "query",
    ["limit=9e9", "limit=1.5", "limit=NaN", "limit=0x10", "limit=\u0663", f"limit={'9' * 2000}", "limit=-1",
     "offset=-1", "offset=10000001", "offset=99999999999999999999", "crs=4326", "crs=EPSG:0", "crs=../../etc",
     "cursor=", "cursor=e30", "cursor=W10", "cursor=%00", "cursor=" + "A" * 4000, "sortby=", "sortby=nothing",
     "sortby=name;drop", "properties=nothing", "f=", "f=JSON", "confirmed_on=2024-02-30", "verified=2",
     "updated_at=now", "confirmed_on=20240531", "confirmed_on=2024-W22-5", "confirmed_on=\u0662024-05-31",
     "name=%00", "name=a&name=b", "unknown=1", "=1", "%F0%9F%8C%B3=1"],
)  # fmt: skip
def test_a_wrong_value_is_told(problem, query):
    assert problem(f"{ITEMS}?{query}")["errors"]


@pytest.mark.parametrize(
    "query",
    ["", "lon=nan&lat=51", "lon=0", "lat=51", "lon=181&lat=51", "lon=0&lat=91", "lon=1e1&lat=51", "postcode=",
     "postcode=%00", "postcode=N1+9JP&lon=0&lat=51", "postcode=" + "N" * 5000, "lon=0&lat=51&unknown=1"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/lookup", "/api/nearest"])
def test_a_place_that_is_none(problem, path, query):
    problem(f"{path}?{query}")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=ten", "need=gold", "layers=", "layers=nothing", "layers=assets;drop", "layers=%00"],
)
def test_what_to_look_for_nearby(problem, query):
    problem(f"/api/nearest?postcode=N1+9JP&{query}")


def test_sql_in_every_parameter_of_every_operation_is_only_text(client, rows):
    before = rows()
    document = client.get("/api/openapi.json").get_json()
    base = urlsplit(document["servers"][0]["url"]).path
    tried = 0
    for path, operations in document["paths"].items():
        for parameter in operations.get("get", {}).get("parameters", []):
            if "$ref" in parameter:
                parameter = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
            for text in SQL:
                if parameter["in"] == "path":
                    address = base + path.replace("{" + parameter["name"] + "}", quote(text, safe=""))
                else:
                    address = f"{base}{path}?{quote(parameter['name'])}={quote(text)}"
                response = client.get(address)
                assert response.status_code in (200, 400, 404), (address, response.text[:300])
                if "FeatureCollection" in response.text:
                    assert response.get_json()["features"] == [], address
                tried += 1
    assert tried > 500
    assert rows() == before


def test_sql_in_the_names_of_things_is_only_a_name(problem, rows):
    before = rows()
    for text in SQL:
        problem(f"{ITEMS}?{quote(text)}=1")
        problem(f"/api/collections/{quote(text, safe='')}/items")
        problem(f"/api/{quote(text, safe='')}")
    assert rows() == before


@pytest.mark.parametrize("escape", ["%ff%fe", "%c0%af", "%ed%a0%80", "%f8%88%80%80%80", "a%80"])
def test_what_is_not_utf8_is_refused(problem, escape):
    problem(f"{ITEMS}?name={escape}")
    problem(f"{ITEMS}?{escape}=1")
    problem(f"{ITEMS}/{escape}")
    problem(f"/api/collections/{escape}")


def test_nul_and_odd_characters_in_paths(problem):
    for odd in ("%00", "a%00b", "%0d%0aSet-Cookie:%20a=1", "..%2f..%2fetc%2fpasswd", "%e2%80%ae", "x" * 5000):
        problem(f"/api/collections/{odd}")
        problem(f"{ITEMS}/{odd}")


def test_a_line_break_reaches_no_header(client):
    forged = "x%0d%0aSet-Cookie:%20owned=1"
    for path in (f"{ITEMS}?name={forged}", f"{ITEMS}?{forged}=1", f"{ITEMS}/{forged}", f"/api?f={forged}"):
        response = client.get(path)
        assert "Set-Cookie" not in response.headers
        assert not any("\n" in value or "\r" in value for value in response.headers.values()), path
    named = client.get("/api", headers={"X-Request-Id": 'a" onload="'})
    assert named.headers["X-Request-Id"] != 'a" onload="'
    assert client.get("/api", headers={"X-Request-Id": "trace-0001"}).headers["X-Request-Id"] == "trace-0001"


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/collections", ITEMS, f"{ITEMS}/finsbury-library", "/api/lookup"]
)
def test_a_method_that_does_not_work_here(problem, client, method, path):
    assert problem(path, method=method)["status"] == 405
    assert {"GET", "HEAD", "OPTIONS"} <= {
        each.strip() for each in client.open(path, method=method).headers["Allow"].split(",")
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/conformance", "/api/collections", "/api/lookup", "/api/nearest"]
)
def test_what_is_only_read_cannot_be_changed(problem, rows, method, path):
    before = rows()
    assert problem(path, method=method, data=b"{}", content_type="application/json")["status"] == 405
    assert rows() == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "body, content_type",
    [
        (b"{", "application/geo+json"),
        (b"\xff\x00", "application/json"),
        (b"<x/>", "text/xml"),
        (b"a=1", None),
    ],
)
def test_whoever_may_not_edit_changes_nothing(problem, rows, method, body, content_type):
    before = rows()
    for path in (ITEMS, f"{ITEMS}/finsbury-library"):
        problem(path, method=method, data=body, content_type=content_type)
    assert rows() == before


def test_head_is_get_without_a_body(client):
    for path in (
        "/api",
        "/api/conformance",
        "/api/openapi.json",
        "/api/collections",
        ITEMS,
        f"{ITEMS}?limit=0",
    ):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code
        assert head.content_type == got.content_type
        assert head.data == b""


def test_options_say_what_works(client):
    for path in ("/api", "/api/collections", ITEMS, f"{ITEMS}/finsbury-library", "/api/nearest"):
        response = client.options(path)
        assert response.status_code in (200, 204)
        assert "GET" in response.headers["Allow"]


def test_unknown_parameters_are_ignored_for_those_who_prefer_so(client, problem):
    strict = problem(f"{ITEMS}?limit=2&utm_source=newsletter")
    assert [e["parameter"] for e in strict["errors"]] == ["utm_source"]
    problem(f"{ITEMS}?utm_source=x", headers={"Prefer": "handling=strict"})
    for prefer in ("handling=lenient", 'respond-async, handling="lenient"; x=1'):
        response = client.get(f"{ITEMS}?limit=2&utm_source=newsletter", headers={"Prefer": prefer})
        assert response.status_code == 200
        assert response.headers["Preference-Applied"] == "handling=lenient"
        links = {link["rel"]: link["href"] for link in response.get_json()["links"]}
        assert client.get(links["next"]).status_code == 200  # which carries on without what was ignored
    # What is known and wrong stays wrong, and is not guessed at.
    problem(f"{ITEMS}?limit=none&utm_source=x", headers={"Prefer": "handling=lenient"})


def talk(address, sent, limit=65536):
    """Send bytes over a bare connection; the status, the headers and the body that come back."""
    host, port = urlsplit(address).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        received = b""
        while len(received) < limit and (part := connection.recv(65536)):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body.decode()


@pytest.mark.parametrize(
    "line, status",
    [
        (f"GET {ITEMS}?name={'x' * 9000} HTTP/1.1", 414),
        (f"GET {ITEMS}?bbox=\u0660 HTTP/1.1", 400),
        ("GET /api HTTP/9.9", 400),
        (f"GET /api HTTP/1.1\r\nX-Long: {'x' * 70000}", 431),
    ],
)
def test_what_the_server_itself_refuses_is_a_problem_too(live_server, line, status):
    got, head, body = talk(live_server, f"{line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert got == status, body
    assert "content-type: application/problem+json" in head
    assert f'"status":{status}' in body


@pytest.mark.parametrize(
    "method, path", [("POST", ITEMS), ("PUT", f"{ITEMS}/x"), ("POST", "/api/collections")]
)
def test_who_sends_ten_megabytes_hears_why_not(live_server, method, path):
    size = 10_000_000
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(live_server).netloc}\r\nConnection: close\r\n"
        f"Content-Type: application/geo+json\r\nContent-Length: {size}\r\n\r\n"
    )
    status, head, body = talk(live_server, head.encode() + b"x" * size)
    assert status in (401, 405, 413)
    assert "content-type: application/problem+json" in head
    assert f'"status":{status}' in body


@pytest.mark.parametrize(
    "query",
    [
        "updated_at=2024-03-06T15:06:16%2B17:55",
        "filter=updated_at%3ETIMESTAMP('2024-01-01T00:00:00%2B17:55')",
    ],
)
def test_an_offset_from_utc_that_the_database_does_not_know_is_converted(client, query):
    assert client.get(f"{ITEMS}?{query}").status_code == 200


def test_a_layer_that_cannot_be_edited_says_so(client, problem):
    for path in ("/api/collections/wards-2022/items", "/api/collections/wards-2022/items/laycock"):
        assert client.options(path).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert problem("/api/collections/wards-2022/items/laycock", method="DELETE")["status"] == 405
    assert "POST" in client.options(ITEMS).headers["Allow"]
    stale = {"Authorization": "Bearer ms_nobody"}
    assert client.options(ITEMS, headers=stale).status_code == 200
    assert problem(ITEMS, method="DELETE", headers=stale)["status"] == 405


def test_ten_megabytes_are_too_much_from_editors_too(problem, database, rows):
    with database.session("tests", as_owner=True) as session:
        put_program(session, "ada", "Ada", may_edit=True)
        token = issue_token(session, "ada", "tests")
    before = rows()
    said = problem(
        ITEMS,
        method="POST",
        data=b'{"note":"' + b"x" * 10_000_000 + b'"}',
        content_type="application/geo+json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert said["status"] == 413
    assert rows() == before
