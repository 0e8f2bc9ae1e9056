"""Whatever the feed is asked, it answers with a valid page or a problem, never with an error of its own."""

from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapservice.web.openreferral.parameters import FILTERS

HOME = "/openreferral/3.0"
LIKELY = st.sampled_from(
    ["", "0", "1", "-1", "1e309", "nan", "MO", "09:00", "24:00", "N1 9JP", "EC1V 4NB", "'; DROP TABLE x; --",
     "%", "_", "\\", "\x00", "\ud7ff", "2026-01-01", "9999-12-31T23:59:59Z", "support-money", "a" * 300]
)  # fmt: skip
VALUES = LIKELY | st.text(max_size=40) | st.integers().map(str) | st.floats().map(str)
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
NAMES = st.sampled_from([*FILTERS["service_at_locations"], "page", "per_page"])


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(kind=st.sampled_from([*FILTERS]), asked=st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_parameters_get_a_page_or_a_problem(client, kind, asked):
    response = client.get(f"{HOME}/{kind}", query_string=asked)
    assert response.status_code in (200, 400), (asked, response.text[:300])
    if response.status_code == 200:
        page = response.get_json()
        assert page["size"] == len(page["contents"]) <= page["total_items"]
    else:
        assert response.content_type == "application/problem+json"
        assert response.get_json()["detail"]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(kind=st.sampled_from([*FILTERS]), wanted=VALUES.filter(lambda text: text.strip("/.")))
def test_any_id_is_found_or_not(client, kind, wanted):
    response = client.get(f"{HOME}/{kind}/{quote(wanted, safe='')}")
    assert response.status_code in (200, 404, 400), (wanted, response.text[:300])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(asked=st.dictionaries(st.sampled_from(["from", "locality", "need", "examples"]), VALUES))
def test_what_is_on_always_has_a_page(client, asked):
    response = client.get("/whats-on", query_string=asked)
    assert response.status_code in (200, 400), (asked, response.text[:300])
