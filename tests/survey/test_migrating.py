"""The survey's tables come and go on loaded data, and the green spaces stay what they were."""

import uuid

from sqlalchemy import text

from mapservice.accounts import people
from mapservice.accounts.permissions import parse_grants
from mapservice.register import migrate

PUBLISHED = "SELECT to_jsonb(s) - 'opportunity' - 'opened_on' FROM layers.green_spaces s ORDER BY id"


def read(database, statement):
    with database.owner.connect() as connection:
        return connection.execute(text(statement)).scalars().all()


def test_down_and_up_again_with_a_survey_under_way(fresh_database):
    (space,) = read(fresh_database, "SELECT id FROM register.green_spaces WHERE status = 'potential' LIMIT 1")
    with fresh_database.session("tests") as session:
        account = people.invite(session, "Ada", parse_grants(["reviewer"]), email="ada@example.org")
        session.execute(
            text(
                "UPDATE register.green_spaces SET opportunity = 'Sunny', title_number = 'NGL123'"
                " WHERE id = :id"
            ),
            {"id": space},
        )
        session.execute(
            text(
                "INSERT INTO survey.comments (id, green_space_key, green_space_id, body)"
                " SELECT :id, key, id, 'Seen' FROM register.green_spaces WHERE id = :space"
            ),
            {"id": uuid.uuid4(), "space": space},
        )
    assert account
    before = read(fresh_database, PUBLISHED)
    migrate.downgrade(fresh_database, "0014")
    assert "survey" not in read(fresh_database, "SELECT nspname FROM pg_namespace")
    migrate.upgrade(fresh_database)
    after = read(fresh_database, PUBLISHED)
    assert [{**row, "updated_at": None} for row in after] == [{**row, "updated_at": None} for row in before]
    assert read(fresh_database, "SELECT count(*) FROM survey.comments") == [0]


def test_words_stay_when_their_space_or_their_writer_goes(fresh_database):
    with fresh_database.session("tests") as session:
        keys = session.execute(
            text("SELECT key, id FROM register.green_spaces WHERE status = 'potential' ORDER BY id LIMIT 1")
        ).one()
        session.execute(
            text("INSERT INTO accounts.accounts (id, kind, name) VALUES ('ada', 'person', 'Ada')")
        )
        session.execute(
            text(
                "INSERT INTO survey.comments (id, green_space_key, green_space_id, account_id, body)"
                " VALUES (:id, :key, :space, 'ada', 'The gate is broken')"
            ),
            {"id": uuid.uuid4(), "key": keys.key, "space": keys.id},
        )
        session.execute(text("DELETE FROM accounts.accounts WHERE id = 'ada'"))
        session.execute(text("DELETE FROM register.green_spaces WHERE key = :key"), {"key": keys.key})
        left = session.execute(
            text("SELECT green_space_key, green_space_id, account_id, body FROM survey.comments")
        ).one()
    assert tuple(left) == (None, keys.id, None, "The gate is broken")


def test_the_reader_cannot_write(fresh_database):
    with fresh_database.reading() as cursor:
        allowed = cursor.execute(
            "SELECT bool_or(has_table_privilege('mapservice_reader', c.oid, 'INSERT, UPDATE, DELETE'))"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'survey' AND c.relkind = 'r'"
        ).fetchone()
    assert allowed == (False,)
