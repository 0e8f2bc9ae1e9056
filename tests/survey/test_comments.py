"""Comments: read by those they are for, naming people only as they chose to be named."""

import io
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mapservice.survey import comments, evidence, notices
from mapservice.survey.spaces import NoSuchSpace, NotAllowed, Refused, read_space


@pytest.fixture(scope="module")
def people(who):
    return {
        "ada": who("reviewer", public_name="Ada L"),
        "ada-m": who("surveyor@south", public_name="Ada Lovely"),
        "contributor": who("contributor", public_name="Con Tributor"),
        "hidden": who("reviewer"),
    }


def space_of(session, space_id):
    return read_space(session, space_id, ("public", "network"))


def say(database, account, space_id, body, **given):
    with database.session(account.actor) as session:
        return comments.say(session, space_of(session, space_id), account, body, **given)


def read(database, account, space_id):
    with database.session(account.actor) as session:
        return comments.comments_of(session, space_of(session, space_id), account)


def told(database, account):
    with database.session("tests") as session:
        return [(notice.kind, notice.green_space_id) for notice in notices.notices_of(session, account)]


def test_who_is_named_is_told_and_who_watches_too(database, suggest, people, who):
    space_id, watcher = suggest(), who("reviewer")
    with database.session("tests") as session:
        notices.watch(session, watcher.id, space_id)
    say(database, people["ada"], space_id, "Have you seen this, @ada lovely?")
    (comment,) = read(database, watcher, space_id)
    assert (comment.by, comment.mentions) == ("Ada L", ("Ada Lovely",))
    assert told(database, people["ada-m"]) == [("mention", space_id)]
    assert told(database, watcher) == [("comment", space_id)]
    say(database, people["ada-m"], space_id, "I have, as @Ada Lovely can say")
    assert [each.mentions for each in read(database, watcher, space_id)] == [("Ada Lovely",), ()]
    # Who says something follows what comes of it.
    say(database, watcher, space_id, "I have")
    assert told(database, people["ada"]) == [("comment", space_id)] * 2


def test_only_names_people_chose_can_be_mentioned_and_only_who_sees_the_space(database, suggest, people):
    with database.session("tests") as session:
        names = comments.people_to_mention(session, space_of(session, suggest()))
        published = comments.people_to_mention(session, space_of(session, suggest(visibility="public")))
    assert {"Ada L", "Ada Lovely"} <= {*names}
    assert "Con Tributor" not in names
    assert "Con Tributor" in published
    assert not {name for name in published if name.startswith("a resident")}
    assert all(people["hidden"].id not in accounts for accounts in published.values())


def missed(database, account, space_id, body):
    with database.session("tests") as session:
        return [str(each) for each in comments.missed_in(session, space_of(session, space_id), account, body)]


def test_whom_an_at_did_not_reach_is_said_at_once(database, suggest, people, who):
    space_id, ada = suggest(), people["ada"]
    twins = [who("reviewer", public_name=name) for name in ("Sam Twin", "sam twin")]
    nobody = "@%s: nobody of that name may see this space"
    for body, expected in {
        "@Ada Lovely, see @ 5 pm or a@b.org": [],
        "@Zoë-Ann. And @Zoë-Ann": [nobody % "Zoë-Ann"],
        "@Con Tributor": [nobody % "Con"],
        "@lovely?": ["@lovely: nobody was told; write the whole name: Ada Lovely"],
        "@SAM TWIN": ["@Sam Twin: 2 people are called that, and all of them were told"],
        "@Adam": [nobody % "Adam"],
    }.items():
        assert missed(database, ada, space_id, body) == expected, body
    say(database, ada, space_id, "@sam twin: look")
    assert [told(database, each) for each in twins] == [[("mention", space_id)]] * 2
    # Who does not work there learns no names from it.
    public = suggest(visibility="public")
    assert missed(database, people["contributor"], public, "@lovely") == [nobody % "lovely"]


def test_contributors_read_what_they_said_and_what_names_them(database, suggest, people):
    space_id = suggest(visibility="public")
    say(database, people["ada"], space_id, "The owner is hard to reach.")
    say(database, people["contributor"], space_id, "I know the owner.")
    say(database, people["ada"], space_id, "@Con Tributor: please ask them.")
    read_by_them = [comment.body for comment in read(database, people["contributor"], space_id)]
    assert read_by_them == ["I know the owner.", "@Con Tributor: please ask them."]
    assert len(read(database, people["hidden"], space_id)) == 3


def test_who_works_on_it_tells_apart_who_chose_no_name_and_nobody_else_does(database, suggest, who):
    space_id = suggest(visibility="public")
    here, there = who("reviewer@south"), who("reviewer@south", "surveyor@north", "contributor")
    planner, contributor = who("planner"), who("contributor")
    for account in (here, there, planner, contributor):
        say(database, account, space_id, f"Says {account.name}")
    at_work = {comment.body: comment.by for comment in read(database, here, space_id)}
    first, second = at_work[f"Says {here.name}"], at_work[f"Says {there.name}"]
    assert first.startswith("a reviewer for South")
    assert second.startswith("a reviewer for South")
    assert first != second
    assert at_work[f"Says {planner.name}"].startswith("a planner")
    assert at_work[f"Says {contributor.name}"] == "a resident"
    # Another page calls them the same, and who does not work there is told nothing of it.
    other = suggest()
    say(database, there, other, "Somewhere else")
    assert [comment.by for comment in read(database, planner, other)] == [second]
    say(database, here, space_id, "@Con Tributor: look")
    with database.session("tests") as session:
        told_of_it = session.execute(
            text("UPDATE survey.comments SET mentions = ARRAY[:id] WHERE body LIKE '@Con%' RETURNING id"),
            {"id": contributor.id},
        ).all()
    assert told_of_it
    assert {comment.by for comment in read(database, contributor, space_id)} == {"a resident"}


def test_of_much_that_was_said_the_latest_comes_first(database, suggest, people, monkeypatch):
    monkeypatch.setattr(comments, "MOST_SHOWN", 2)
    space_id = suggest()
    for body in ("One", "Two", "Three"):
        say(database, people["ada"], space_id, body)
    with database.session("tests") as session:
        space = space_of(session, space_id)
        pages = [comments.comments_of(session, space, people["ada"], page) for page in (1, 2)]
    assert [[each.body for each in page] for page in pages] == [["Two", "Three"], ["One"]]


def test_said_twice_is_said_once(database, suggest, people):
    space_id, sent = suggest(), uuid.uuid4()
    assert say(database, people["ada"], space_id, "Once", comment_id=sent)
    assert not say(database, people["ada"], space_id, "Once", comment_id=sent)
    assert len(read(database, people["ada"], space_id)) == 1
    # Other words, or somebody else's, are something else said; those twice are said once as well.
    for _ in range(2):
        say(database, people["ada"], space_id, "Once more", comment_id=sent)
        say(database, people["hidden"], space_id, "Once", comment_id=sent)
    elsewhere = suggest()
    assert say(database, people["ada"], elsewhere, "Once", comment_id=sent)
    assert [each.body for each in read(database, people["ada"], space_id)] == ["Once", "Once more", "Once"]
    assert [each.body for each in read(database, people["ada"], elsewhere)] == ["Once"]


def test_another_file_under_a_known_id_is_kept_beside_the_first(database, suggest, people, tmp_path):
    space_id, sent = suggest(), uuid.uuid4()

    def add(account, content, caption=""):
        with database.session(account.actor) as session:
            stream, space = io.BytesIO(content), space_of(session, space_id)
            return evidence.add_evidence(
                session, space, account, tmp_path, "a.txt", stream, caption, file_id=sent
            )

    assert [add(people["ada"], b"one"), add(people["ada"], b"one")] == [True, False]
    assert [add(people["ada"], b"two"), add(people["ada"], b"two")] == [True, False]
    assert add(people["ada"], b"one", "The first")
    assert add(people["hidden"], b"one")
    with database.session("tests") as session:
        kept = evidence.files_of(session, space_of(session, space_id))
    assert len(kept) == 4


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 5001, "a\x00b"], ids=["none", "blank", "long", "nul"])
def test_nothing_and_too_much_are_refused(database, suggest, people, body):
    with pytest.raises(Refused):
        say(database, people["ada"], suggest(), body)


def test_taken_back_by_who_said_it_or_by_a_reviewer(database, suggest, people):
    space_id = suggest()
    for remover, fine in (("ada-m", False), ("hidden", True)):
        say(database, people["ada"], space_id, "Too much said")
        comment = next(c for c in read(database, people["ada"], space_id) if not c.removed)
        with database.session("tests") as session:
            space = space_of(session, space_id)
            if fine:
                comments.remove_comment(session, space, comment.id, people[remover])
            else:
                with pytest.raises(NotAllowed):
                    comments.remove_comment(session, space, comment.id, people[remover])
    with database.session("tests") as session, pytest.raises(NoSuchSpace):
        comments.remove_comment(session, space_of(session, suggest()), comment.id, people["ada"])
    removed = [comment for comment in read(database, people["ada"], space_id) if comment.removed]
    assert [comment.body for comment in removed] == [""]


@given(st.text(max_size=80), st.lists(st.text(min_size=1, max_size=10), max_size=5))
def test_whatever_is_written_names_only_people_there_are(body, names):
    assert {*comments.mentioned_in(body, names)} <= {*names}


def test_an_e_mail_address_names_nobody():
    assert comments.mentioned_in("write to me@ada.org or @Adam", ["ada", "Ada"]) == []
