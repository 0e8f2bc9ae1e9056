"""Passwords: what will do, and how they are kept."""

import pytest

from mapservice.accounts.passwords import (
    WeakPassword,
    check_password,
    hash_password,
    is_outdated,
    verify_password,
)


@pytest.mark.parametrize(
    "password",
    [
        "walnut tram orbit lantern",
        "ghiaccio verde treno sette",
        "v8#kQ!2mZp$7Lx",
        "ランプ 電車 軌道 胡桃 灯台 港町 夕焼け",
        "x" * 10 + "tr0mbone harbour velvet",
    ],
)
def test_long_and_unusual_will_do(password):
    check_password(password, ["Ada Lovelace", "ada@example.org"])


@pytest.mark.parametrize(
    "password, why",
    [
        ("", "12 characters"),
        ("kX9!vv2#Lq", "12 characters"),
        ("password1234", "common password"),
        ("qwertyuiopas", ""),
        ("aaaaaaaaaaaaaaaa", "Repeats"),
        ("ada@example.org", ""),
        ("AdaLovelace1", ""),
        ("x" * 201, "at most 200"),
    ],
)
def test_short_common_and_telling_will_not(password, why):
    with pytest.raises(WeakPassword, match=why):
        check_password(password, ["Ada Lovelace", "ada@example.org"])


def test_the_same_however_a_keyboard_composes_it():
    kept = hash_password("cafe\u0301 walnut tram")
    assert verify_password(kept, "caf\u00e9 walnut tram")
    assert not verify_password(kept, "cafe walnut tram")
    assert not is_outdated(kept)


@pytest.mark.parametrize("kept", [None, "", "plain", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_what_is_no_hash_verifies_nothing(kept):
    assert not verify_password(kept, "nobody has this password")


def test_a_password_of_a_megabyte_is_no_work():
    assert not verify_password(hash_password("walnut tram orbit"), "x" * 1_000_000)
