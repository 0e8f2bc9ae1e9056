"""Notices in words: on a page, and in the e-mail that brings them once a day."""

from __future__ import annotations

from collections.abc import Sequence

from mapservice.survey.digest import Digest
from mapservice.survey.notices import Notice
from mapservice.survey.submitting import CHANGED
from mapservice.web.languages import gettext
from mapservice.web.survey.words import field_words
from mapservice.web.words import day_words, in_words, listed, stage_words

MOST_MAILED = 40


def notice_words(notice: Notice) -> str:
    """What happened, and to what: it may have been to what has become part of the space since."""
    said = _what_happened(notice)
    if parts := notice.detail.get("parts"):
        return gettext("To “%(name)s”, which is part of it now: %(what)s", name=parts[0]["name"], what=said)
    return said


def _what_happened(notice: Notice) -> str:
    who, detail = in_words(notice.by) if notice.by else gettext("Somebody"), notice.detail
    reason = detail.get("reason") or ""
    match notice.kind:
        case "suggested":
            return _with(gettext("Suggested by %(who)s, and waiting for review", who=who), notice.words)
        case "reported" if detail.get("state") == "taken":
            return gettext("What you sent was taken")
        case "reported" if detail.get("state") == "declined":
            return gettext("What you sent was declined: %(reason)s", reason=reason)
        case "reported":
            return _report_words(notice, who)
        case "stage":
            was, stage = stage_words(detail.get("was")), stage_words(detail.get("stage"))
            if was:
                said = gettext(
                    "Moved from “%(was)s” to “%(stage)s” by %(who)s", was=was, stage=stage, who=who
                )
            else:
                said = gettext("Moved to “%(stage)s” by %(who)s", stage=stage, who=who)
            return _with(said, reason)
        case "changed" if "reverted" in detail:
            return gettext("A change was taken back by %(who)s", who=who)
        case "changed" if detail.get("what") == "confirmed":
            return gettext("Confirmed on the spot by %(who)s: it is still open", who=who)
        case "changed":
            fields = [field_words(name) for name in detail.get("fields", ())]
            return _with(gettext("Changed by %(who)s", who=who), listed(fields))
        case "comment":
            return _with(gettext("%(who)s said something", who=who), notice.words)
        case "mention":
            return _with(gettext("%(who)s named you", who=who), notice.words)
        case "merged":
            name = detail.get("name") or detail.get("merged")
            if not name:
                return gettext("It was put together with another by %(who)s", who=who)
            return gettext("“%(name)s” was merged into it by %(who)s", name=name, who=who)
        case "due":
            return gettext("Due on %(day)s", day=day_words(detail.get("due_on")))


def _report_words(notice: Notice, who: str) -> str:
    report = notice.report
    if report is None:
        return gettext("Something was reported by %(who)s", who=who)
    if report["kind"] == "confirmation":
        return gettext("Confirmed by %(who)s: it is still open. A reviewer is to decide", who=who)
    what = CHANGED.get(report["changed"])
    said = [gettext(what)] if what else []
    return _with(
        gettext("Reported by %(who)s, and waiting for review", who=who),
        ". ".join([*said, notice.words] if notice.words else said),
    )


def _with(said: str, words: str) -> str:
    return f"{said}: {words}" if words else said


def notice_path(notice: Notice) -> str:
    """Where one sees it; "" for nowhere any more."""
    said = notice.kind in ("comment", "mention")
    if notice.works:
        return f"/review/{notice.green_space_id}" + ("#comments" if said else "")
    if sent := notice.detail.get("submission") or notice.own_submission:
        return f"/green-spaces/suggestions/{sent}"
    if notice.there:
        return f"/green-spaces/{notice.green_space_id}" + ("/comments" if said else "")
    return ""


def digest_letter(digest: Digest, site: str, service: str) -> tuple[str, str]:
    """Subject and text of the e-mail with somebody's notices."""
    number = len(digest.notices)
    lines = [
        gettext("Hello %(name)s,", name=digest.account.name),
        "",
        gettext("this happened on green spaces that you watch or review:"),
        "",
    ]
    for notice in digest.notices[:MOST_MAILED]:
        lines += _lines(notice, site)
    if number > MOST_MAILED:
        address = f"{site}/notices"
        lines += [
            gettext("… and %(count)s more: %(address)s", count=number - MOST_MAILED, address=address),
            "",
        ]
    lines += [
        "--",
        gettext("You get this at most once a day, and only when there is something you have not read."),
        gettext("To stop these e-mails: %(address)s", address=f"{site}/account#digest"),
        "",
    ]
    if number == 1:
        return gettext("1 notice from the %(service)s community map", service=service), "\n".join(lines)
    subject = gettext("%(count)s notices from the %(service)s community map", count=number, service=service)
    return subject, "\n".join(lines)


def _lines(notice: Notice, site: str) -> Sequence[str]:
    path = notice_path(notice)
    # One line each: what people wrote cannot pass for a part of the letter.
    words = " ".join(notice_words(notice).split())
    return [f"* {' '.join(notice.name.split())}", f"  {words}", *([f"  {site}{path}"] if path else []), ""]
