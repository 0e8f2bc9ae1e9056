"""Volunteers back from a walk who all send at once, each twice as telephones do where signal is poor."""

from __future__ import annotations

import io
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy
import requests
from PIL import Image
from sqlalchemy import text

from mapservice.database import Database

FORM = "/green-spaces/suggest"
ANSWER_WITHIN_S = 120
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
# Where they walked: metres of the National Grid from the middle of the borough's extent.
SPACING_M = 25


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt to send: whose, under which id, what the service answered and after how long."""

    volunteer: int
    id: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database has of some suggestions: rows of each kind, and how many of them are of one name."""

    submissions: int
    spaces: int
    photographs: int
    names: int


def photograph(width: int = 1600, height: int = 1200, seed: int = 1) -> bytes:
    """A JPEG as large as a telephone sends after making it smaller: noise, which compresses badly."""
    dots = numpy.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=numpy.uint8)
    content = io.BytesIO()
    Image.fromarray(dots).resize((width, height)).save(content, "JPEG", quality=85)
    return content.getvalue()


def send_all(address: str, volunteers: int, picture: Callable[[int], bytes], times: int = 2) -> list[Sending]:
    """Have every volunteer open the form, wait for the last, and then all send at the same moment."""
    ready = threading.Barrier(volunteers * times)
    forms = [_open_form(address) for _ in range(volunteers)]
    pictures = [picture(number) for number in range(volunteers)]

    def send(volunteer: int) -> Sending:
        cookies, token, submission_id = forms[volunteer]
        fields = {
            "csrf_token": token,
            "id": submission_id,
            "name": f"Volunteer {volunteer}’s find",
            "place": f"{531_200 + volunteer % 10 * SPACING_M} {182_300 + volunteer // 10 * SPACING_M}",
            "current_use": "verge",
            "opportunity": "Room for a bench and three trees",
        }
        ready.wait()
        began = time.perf_counter()
        answer = requests.post(
            address + FORM,
            data=fields,
            files={"photographs": (f"{volunteer}.jpg", pictures[volunteer], "image/jpeg")},
            cookies=cookies,
            timeout=ANSWER_WITHIN_S,
            allow_redirects=False,
        )
        return Sending(volunteer, submission_id, answer.status_code, time.perf_counter() - began)

    with ThreadPoolExecutor(volunteers * times) as threads:
        return [*threads.map(send, [number for number in range(volunteers) for _ in range(times)])]


def what_is_kept(database: Database, sendings: list[Sending]) -> Kept:
    """What became of it in the database."""
    with database.session("benchmark") as session:
        row = session.execute(
            text(
                "SELECT count(*), count(DISTINCT g.key), count(DISTINCT g.name),"
                " (SELECT count(*) FROM survey.files f WHERE f.submission_id = ANY (CAST(:ids AS uuid[])))"
                " FROM survey.submissions s LEFT JOIN register.green_spaces g ON g.key = s.green_space_key"
                " WHERE s.id = ANY (CAST(:ids AS uuid[]))"
            ),
            {"ids": sorted({sending.id for sending in sendings})},
        ).one()
        # Under whatever id: something taken twice would be a space of the same name.
        spaces = session.execute(
            text("SELECT count(*) FROM register.green_spaces WHERE name LIKE 'Volunteer %’s find'")
        ).scalar_one()
    return Kept(row[0], spaces, row[3], row[2])


def _open_form(address: str) -> tuple[dict[str, str], str, str]:
    """The cookies and the token of a form, and an id as the browser makes one."""
    answer = requests.get(address + FORM, timeout=ANSWER_WITHIN_S)
    found = _TOKEN.search(answer.text)
    if found is None:
        raise RuntimeError(f"{address}{FORM} has no form: {answer.status_code}")
    return answer.cookies.get_dict(), found[1], str(uuid.uuid4())
