"""Before what cannot be undone or would help a thief: the password again."""

from __future__ import annotations

from flask import request

from mapservice.accounts import people
from mapservice.accounts.account import Account
from mapservice.accounts.attempts import TooMany
from mapservice.accounts.signing_in import confirm_password
from mapservice.web import context, identity
from mapservice.web.accounts.waiting import wait_words
from mapservice.web.languages import lazy_gettext

AGAIN = lazy_gettext("Sign out and in again first: it is more than 15 minutes since you did.")
WRONG = lazy_gettext("This is not your password.")


def refused(account: Account, field: str = "current") -> str:
    """Why the person at the keyboard is not believed to be the account's owner; "" if they are.

    They are asked for their password, in the form's `field`. Who has none, since a directory vouches for
    them, must have come from there a moment ago.
    """
    with context.database().session(account.actor) as session:
        person = people.find_person(session, account.id)
    if person is None:
        return str(WRONG)
    if not person.has_password:
        found = identity.current_session()
        return "" if found and found.fresh else str(AGAIN)
    try:
        right = confirm_password(
            identity.door(), account.id, request.form.get(field, ""), identity.where_from()
        )
    except TooMany as late:
        return wait_words(late)
    return "" if right else str(WRONG)
