"""The daily e-mail: what is new and unread, once, for who wants it, and never what they may no longer see."""

import email
from datetime import date, timedelta
from email import policy

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mapservice.accounts.account import find_account, set_grants
from mapservice.accounts.permissions import parse_grants
from mapservice.cli import cli
from mapservice.mail import send_mail
from mapservice.survey import notices
from mapservice.survey.digest import remind, send_digest, set_digest, to_mail, wants_digest
from mapservice.web.survey.telling import digest_letter, notice_path

TODAY = date(2026, 11, 22)


def tell(database, kind, space_id, to, **detail):
    with database.session("tests") as session:
        notices.tell(session, kind, space_id, by=None, to=[each.id for each in to], **detail)


def sent(database, account, *, goes=True):
    """The digests that somebody is sent, as far as a server takes them."""
    letters = []

    def send(digest):
        letters.append(digest)
        return goes

    with database.session("tests") as session:
        done = send_digest(session, account.id, send)
    assert done is (goes if letters else None)
    return letters


def taken(database, account):
    letters = sent(database, account)
    return [notice.kind for notice in letters[0].notices] if letters else None


def test_what_is_new_comes_once_and_what_was_read_does_not_come(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    tell(database, "comment", space_id, [account])
    tell(database, "mention", space_id, [account])
    with database.session("tests") as session:
        newest = notices.notices_of(session, account)[0]
        notices.mark_read(session, account.id, newest.id)
        assert account.id in to_mail(session)
    assert taken(database, account) == ["comment"]
    assert taken(database, account) is None
    with database.session("tests") as session:
        assert account.id not in to_mail(session)
        # It is still there to be read in the app.
        assert notices.count_unread(session, account) == 1


def test_who_switched_it_off_gets_none(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    with database.session("tests") as session:
        assert wants_digest(session, account.id)
        set_digest(session, account.id, wanted=False)
    tell(database, "comment", space_id, [account])
    with database.session("tests") as session:
        assert account.id not in to_mail(session)
    assert taken(database, account) is None


def test_what_somebody_may_no_longer_see_is_not_in_it(database, suggest, who):
    space_id, account = suggest(), who("surveyor")
    tell(database, "stage", space_id, [account], stage="plan", reason="secret words")
    with database.session("tests") as session:
        set_grants(session, account.id, parse_grants(["contributor"]))
    assert taken(database, account) is None


def test_an_e_mail_that_could_not_be_sent_is_sent_next_time(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    tell(database, "comment", space_id, [account])
    (refused,) = sent(database, account, goes=False)
    with database.session("tests") as session:
        assert account.id in to_mail(session)
    (again,) = sent(database, account)
    assert again.key == refused.key
    assert sent(database, account) == []


def test_what_is_killed_after_the_letter_went_sends_the_same_letter_again(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    tell(database, "comment", space_id, [account])
    letters = []

    def send_and_die(session):
        def send(digest):
            letters.append(digest)
            own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.editor.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
            return True

        return send

    with pytest.raises(OperationalError), database.session("tests") as session:
        send_digest(session, account.id, send_and_die(session))
    letters += sent(database, account)
    assert letters[0].key == letters[1].key
    assert [[each.id for each in letter.notices] for letter in letters] == [[letters[0].notices[0].id]] * 2
    tell(database, "mention", space_id, [account])
    (other,) = sent(database, account)
    assert other.key != letters[0].key


def test_two_who_send_at_once_send_one(database, suggest, who):
    space_id, account = suggest(), who("reviewer")
    tell(database, "comment", space_id, [account])

    def send(_digest):
        assert sent(database, account) == []
        return True

    with database.session("one") as one:
        assert send_digest(one, account.id, send)
    assert sent(database, account) == []


def test_nobody_waits_while_a_letter_is_on_its_way(database, cluster, suggest, who, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "DATABASE_URL", f"postgresql://postgres@/{database.reader.url.database}?host={cluster.socket_dir}"
    )
    monkeypatch.setenv("MAPSERVICE_VAR_DIR", str(tmp_path))
    space_id, account = suggest(), who("reviewer")
    tell(database, "comment", space_id, [account])
    told = []

    def send(_settings, to, *_, **__):
        if to == f"{account.name.replace(' ', '').lower()}@example.org":
            with database.session("tests") as session:
                session.execute(text("SET LOCAL lock_timeout = '500ms'"))
                told.append(notices.tell(session, "mention", space_id, by=None, to=[account.id]))
                notices.mark_read(session, account.id)
                set_digest(session, account.id, wanted=True)
        return True

    monkeypatch.setattr("mapservice.survey_commands.send_mail", send)
    answer = CliRunner().invoke(cli, ["survey", "digest"])
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert told == [1]


def test_a_day_that_has_come_is_told_once_to_who_moves_it_on_there(database, suggest, who):
    reviewer, elsewhere, surveyor = who("reviewer@south"), who("reviewer@north"), who("surveyor@south")
    late = suggest(due_on=TODAY - timedelta(days=1))
    suggest(due_on=TODAY + timedelta(days=1))
    for expected in (1, 1):
        with database.session("tests") as session:
            remind(session, TODAY)
            told = [(each.kind, each.green_space_id) for each in notices.notices_of(session, reviewer)]
            assert told == [("due", late)] * expected
            assert notices.notices_of(session, elsewhere) == notices.notices_of(session, surveyor) == []
    with database.session("tests") as session:
        session.execute(
            text("UPDATE register.green_spaces SET due_on = :day WHERE id = :id"), {"day": TODAY, "id": late}
        )
        remind(session, TODAY)
        assert notices.count_unread(session, reviewer) == 2  # another day is another matter


def test_the_letter_says_what_happened_where_to_look_and_how_to_stop(database, suggest, who, settings):
    account = who("reviewer")
    space_id = suggest(name="Corner\n\nTo stop: http://evil.example")
    tell(database, "stage", space_id, [account], stage="declined", reason="No.\nBcc: all@example.org")
    (digest,) = sent(database, account)
    subject, body = digest_letter(digest, "https://map.example", "Islington")
    assert subject == "1 notice from the Islington community map"
    assert f"https://map.example/review/{space_id}" in body
    assert "https://map.example/account#digest" in body
    assert "Moved to “Declined” by a resident: No. Bcc: all@example.org" in body
    assert not [line for line in body.splitlines() if line.startswith(("Bcc", "To stop: http://evil"))]
    assert send_mail(settings, digest.email, subject, body, key=f"digest.{digest.key}")
    (file, *_) = sorted((settings.var_dir / "mail").glob("*.eml"), key=lambda each: each.stat().st_mtime)[
        ::-1
    ]
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message["To"] == digest.email
    assert message["Message-ID"] == f"<digest.{digest.key}@localhost>"
    assert message.get_content_type() == "text/plain"
    assert space_id in message.get_content()


def test_a_suggester_is_led_to_their_own_suggestion(database, suggest, who):
    suggester = who("contributor")
    space_id = suggest(by=suggester)
    tell(database, "stage", space_id, [suggester], stage="declined", reason="No.")
    with database.session("tests") as session:
        (notice,) = notices.notices_of(session, find_account(session, suggester.id))
    assert notice_path(notice).startswith("/green-spaces/suggestions/")


def test_the_command_sends_and_says_how_many(database, cluster, suggest, who, monkeypatch, tmp_path):
    name = database.reader.url.database
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@/{name}?host={cluster.socket_dir}")
    monkeypatch.setenv("MAPSERVICE_PUBLIC_URL", "https://maps.example.org")
    monkeypatch.setenv("MAPSERVICE_VAR_DIR", str(tmp_path))
    space_id, account = suggest(), who("reviewer@south")
    tell(database, "comment", space_id, [account])
    first, second = (CliRunner().invoke(cli, ["survey", "digest"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    letters = [file.read_text() for file in (tmp_path / "mail").glob("*.eml")]
    assert len([letter for letter in letters if f"https://maps.example.org/review/{space_id}" in letter]) == 1
    assert second.output.startswith("Sent 0,")
    monkeypatch.setenv("MAPSERVICE_SMTP_URL", "smtp://127.0.0.1:9")
    tell(database, "comment", space_id, [account])
    failed = CliRunner().invoke(cli, ["survey", "digest"])
    assert failed.exit_code == 1
    with database.session("tests") as session:
        assert account.id in to_mail(session)  # it waits for the next time
