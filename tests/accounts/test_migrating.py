"""The migration to people and back: programs keep what they may do, and nobody gains anything."""

from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.account import find_account, put_program
from mapservice.accounts.permissions import Action, parse_grants
from mapservice.accounts.tokens import issue_token
from mapservice.register import migrate


def test_down_and_up_again_with_people_and_programs(fresh_database):
    with fresh_database.session("tests") as session:
        people.invite(session, "Ada", parse_grants(["administrator"]), email="ada@example.org")
        put_program(session, "feeder", "Feeder", may_edit=True)
        put_program(session, "looker", "Looker", may_edit=False)
        issue_token(session, "feeder", "writes")
        issue_token(session, "feeder", "only reads", scope="read")
    migrate.downgrade(fresh_database, "0011")
    with fresh_database.owner.connect() as connection:
        rows = connection.execute(text("SELECT id, may_edit FROM accounts.accounts ORDER BY id")).all()
        labels = connection.execute(text("SELECT label FROM accounts.tokens")).scalars().all()
    assert rows == [("feeder", True), ("looker", False)]
    assert labels == ["writes"], "no token that may only read comes to write"
    migrate.upgrade(fresh_database)
    with fresh_database.session("tests") as session:
        assert find_account(session, "feeder").may(Action.EDIT_FEATURES)
        assert not find_account(session, "looker").may(Action.EDIT_FEATURES)
