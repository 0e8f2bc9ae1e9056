"""A real server, and what becomes of a sending when it or the line dies: nothing half, nothing twice."""

import os
import re
import signal
import socket
import time
import uuid
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from mapservice.survey import storage
from mapservice.survey_commands import sweep_files
from tests.web.survey.test_suggesting import FORM, SPOT, photograph

BOUNDARY = "a-boundary"


@pytest.fixture(scope="module")
def home(database, serve):
    with serve(database) as address:
        yield address


def opened(home):
    """The token and the cookie of a form."""
    with urlopen(home + FORM, timeout=20) as answer:
        cookie = SimpleCookie(answer.headers["Set-Cookie"])
        token = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())[1]
    return token, f"session={cookie['session'].value}"


def multipart(fields, file):
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photographs"; filename="gate.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return b"".join(parts) + head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def headers(cookie, body):
    return {
        "Cookie": cookie,
        "Accept": "application/json",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(body)),
    }


def post(home, cookie, body):
    with urlopen(Request(home + FORM, body, headers(cookie, body)), timeout=20) as answer:
        return answer.status


def count(database, name):
    with database.reading() as cursor:
        return cursor.execute(
            "SELECT count(*), (SELECT count(*) FROM survey.files p JOIN survey.submissions o"
            " ON o.id = p.submission_id WHERE o.fields ->> 'name' = %(name)s)"
            " FROM survey.submissions WHERE fields ->> 'name' = %(name)s",
            {"name": name},
        ).fetchone()


def test_a_line_that_is_lost_in_the_middle_leaves_nothing_and_sending_again_is_whole(home, database):
    token, cookie = opened(home)
    fields = {"csrf_token": token, "id": str(uuid.uuid4()), "name": "Cut off", "place": SPOT}
    body = multipart(fields, photograph("red", size=(900, 700)).getvalue())
    where = urlsplit(home)
    with socket.create_connection((where.hostname, where.port)) as line:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers(cookie, body).items())
        line.sendall(f"POST {FORM} HTTP/1.1\r\nHost: {where.netloc}\r\n{head}\r\n".encode())
        line.sendall(body[: len(body) // 2])
    time.sleep(0.3)
    assert count(database, "Cut off") == (0, 0)
    assert post(home, cookie, body) == 201
    assert post(home, cookie, body) == 200
    assert count(database, "Cut off") == (1, 1)


def test_killed_between_the_photograph_and_the_row_nothing_is_half(home, database, settings):
    """The row cannot be written while somebody else has the turn; by then the file is on the disk."""
    token, cookie = opened(home)
    fields = {"csrf_token": token, "id": str(uuid.uuid4()), "name": "Killed", "place": SPOT}
    body = multipart(fields, photograph("teal", size=(901, 700)).getvalue())
    folder = storage.folder_of(settings.var_dir)
    before = set(folder.rglob("*")) if folder.exists() else set()
    with database.session("tests") as session:
        session.connection().exec_driver_sql("SELECT layers.wait_for_turn()")
        where = urlsplit(home)
        line = socket.create_connection((where.hostname, where.port))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers(cookie, body).items())
        line.sendall(f"POST {FORM} HTTP/1.1\r\nHost: {where.netloc}\r\n{head}\r\n".encode() + body)
        lost = waited_for(lambda: [file for file in set(folder.rglob("*")) - before if is_content(file)])
        busy = waited_for(waiting_worker(session))
        for worker in workers(home):
            os.kill(worker, signal.SIGKILL)
        line.close()
        assert busy
    time.sleep(0.5)
    assert count(database, "Killed") == (0, 0)
    assert len(lost) == 1
    # What nobody names is swept once it is old; sent again before that, the very file is used.
    token, cookie = again(home)
    body = multipart({**fields, "csrf_token": token}, photograph("teal", size=(901, 700)).getvalue())
    assert post(home, cookie, body) == 201
    assert count(database, "Killed") == (1, 1)
    old = time.time() - 2 * storage.DAY_S
    os.utime(lost[0], (old, old))
    sweep_files(settings, database)
    assert lost[0].exists()


def is_content(file):
    return storage.DIGEST.fullmatch(file.name) is not None and file.is_file()


def waited_for(look, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def waiting_worker(session):
    """Whether somebody waits for the turn that this session has."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return lambda: session.connection().exec_driver_sql(waiting).scalar()


def workers(home):
    """The processes that answer at an address: the children of the one that listens there first."""
    port = f":{urlsplit(home).port:04X} "
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()
        if port in f"{line.split()[1]} " and line.split()[3] == "0A"
    }
    holding = [int(pid.name) for pid in Path("/proc").iterdir() if pid.name.isdigit() and holds(pid, inodes)]
    return [pid for pid in holding if parent(pid) in holding]


def holds(pid, inodes):
    try:
        return any(os.readlink(file)[8:-1] in inodes for file in (pid / "fd").iterdir())
    except OSError:
        return False


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def again(home):
    """The form once the server has new workers."""

    def try_it():
        try:
            return opened(home)
        except OSError:
            return None

    return waited_for(try_it)
