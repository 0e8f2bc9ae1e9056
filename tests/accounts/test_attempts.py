"""What counts as one address, and when one has to wait."""

import pytest
from sqlalchemy import text

from mapservice.accounts.attempts import FORM, attempt, network_of


@pytest.mark.parametrize(
    "address,counted",
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.8", "192.0.2.8"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_of_ipv4_each_address_counts_and_of_ipv6_each_household(address, counted):
    assert network_of(address) == counted


def test_who_began_first_and_is_counted_second_does_not_wait(database):
    with database.session("tests") as first:
        first.execute(text("SELECT now()"))  # its clock stands still from here
        with database.session("tests") as second:
            attempt(second, "key", FORM, "together")
        attempt(first, "key", FORM, "together")
