"""The second factor: a code an app on a phone makes (TOTP, RFC 6238), or a recovery code if it is lost."""

from __future__ import annotations

import base64
import secrets as random
import time
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy import text
from sqlalchemy.orm import Session

from mapservice.accounts.events import record
from mapservice.accounts.secrets import Box, hashed

RECOVERY_CODES = 10
RECOVERY_BYTES = 10
STEP_S = 30


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs to know to make codes."""

    secret: str
    address: str
    picture: str
    """The address as a QR code, itself the address of an image."""


def is_on(session: Session, account_id: str) -> bool:
    """Whether an account asks for a second factor."""
    since = session.execute(
        text("SELECT second_factor_since FROM accounts.accounts WHERE id = :id"), {"id": account_id}
    ).scalar()
    return since is not None


def enrol(session: Session, box: Box, account_id: str, name: str, service: str) -> Enrolment:
    """What an account's app is to be told; it counts once a code of it was shown."""
    locked = session.execute(
        text(
            "SELECT second_factor FROM accounts.accounts"
            " WHERE id = :id AND second_factor_since IS NULL FOR UPDATE"
        ),
        {"id": account_id},
    ).scalar()
    # The same while it is not confirmed, so that a page loaded twice does not undo what was scanned.
    secret = (box.unlock(locked) if locked else None) or pyotp.random_base32()
    session.execute(
        text(
            "UPDATE accounts.accounts SET second_factor = :locked"
            " WHERE id = :id AND second_factor_since IS NULL"
        ),
        {"id": account_id, "locked": box.lock(secret)},
    )
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=service)
    picture = segno.make(address, error="m", micro=False).png_data_uri(scale=5)
    return Enrolment(secret, address, picture)


def confirm(session: Session, box: Box, account_id: str, code: str) -> list[str] | None:
    """Turn the second factor on with a first code of the app; gives the recovery codes; None if wrong."""
    if is_on(session, account_id) or not _right_code(session, box, account_id, code):
        return None
    session.execute(
        text("UPDATE accounts.accounts SET second_factor_since = now() WHERE id = :id"), {"id": account_id}
    )
    record(session, account_id, "second factor on")
    return new_recovery_codes(session, account_id)


def new_recovery_codes(session: Session, account_id: str) -> list[str]:
    """New codes in place of those there were; each lets in once."""
    session.execute(text("DELETE FROM accounts.recovery_codes WHERE account_id = :id"), {"id": account_id})
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.execute(
            text("INSERT INTO accounts.recovery_codes (account_id, sha256) VALUES (:id, :sha256)"),
            {"id": account_id, "sha256": hashed(_plain(code))},
        )
    record(session, account_id, "recovery codes made")
    return codes


def check(session: Session, box: Box, account_id: str, code: str) -> bool:
    """Whether a code lets in: one of the app's, each once, or a recovery code, which is then used up."""
    if _right_code(session, box, account_id, code):
        return True
    used = session.execute(
        text("DELETE FROM accounts.recovery_codes WHERE account_id = :id AND sha256 = :sha256 RETURNING 1"),
        {"id": account_id, "sha256": hashed(_plain(code))},
    ).first()
    if used is None:
        return False
    record(session, account_id, "recovery code used")
    return True


def turn_off(session: Session, account_id: str) -> None:
    """Ask for no second factor any more."""
    session.execute(
        text(
            "UPDATE accounts.accounts SET second_factor = NULL, second_factor_since = NULL,"
            " second_factor_step = NULL WHERE id = :id"
        ),
        {"id": account_id},
    )
    session.execute(text("DELETE FROM accounts.recovery_codes WHERE account_id = :id"), {"id": account_id})
    record(session, account_id, "second factor off")


def _right_code(session: Session, box: Box, account_id: str, code: str) -> bool:
    row = session.execute(
        text("SELECT second_factor, second_factor_step FROM accounts.accounts WHERE id = :id FOR UPDATE"),
        {"id": account_id},
    ).first()
    secret = box.unlock(row[0]) if row and row[0] else None
    if row is None or secret is None:
        return False
    typed, now = "".join(code.split()), int(time.time()) // STEP_S
    # A clock may be half a minute off; a code that was used, or is older than one that was, counts no more.
    for step in (now - 1, now, now + 1):
        if step > (row[1] or 0) and pyotp.utils.strings_equal(typed, pyotp.TOTP(secret).at(step * STEP_S)):
            session.execute(
                text("UPDATE accounts.accounts SET second_factor_step = :step WHERE id = :id"),
                {"id": account_id, "step": step},
            )
            return True
    return False


def _recovery_code() -> str:
    letters = base64.b32encode(random.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _plain(code: str) -> str:
    return "".join(character for character in code.lower() if character.isalnum())[:64]
