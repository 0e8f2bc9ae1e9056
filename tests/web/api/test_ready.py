"""Requests that come again to the byte are answered without being parsed, and never otherwise than before."""

import http.client
import io
import os
import queue
import socket
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn
from sqlalchemy import text

from mapservice.gunicorn_settings import DiscreetLogger, access_log_format, post_request
from mapservice.lingering import LingeringWorker
from mapservice.web import caching, ready
from mapservice.web.caching import KeptAnswers

PATH = "/api/collections/libraries/items?limit=2"
OWN = ("Date", "X-Request-Id")


class Worker:
    """A worker of the application in this process, and the paths its application was asked for."""

    def __init__(self, app):
        config = Config()
        config.set("post_request", post_request)
        config.set("accesslog", "-")
        config.set("access_log_format", access_log_format)
        parent = SimpleNamespace(wsgi=lambda: app)
        self.worker = LingeringWorker(0, os.getppid(), [], parent, 30, config, DiscreetLogger(config))
        self.worker.load_wsgi()
        self.worker.tpool = SimpleNamespace(_work_queue=queue.SimpleQueue())
        self.asked = []
        self.connections = []
        self.worker.wsgi = self._spy(app)

    def _spy(self, app):
        def asked(environ, start_response):
            self.asked.append(environ["PATH_INFO"])
            return app(environ, start_response)

        return asked

    def connect(self, client="127.0.0.1"):
        self.connections.append(Connection(self.worker, client))
        return self.connections[-1]

    def close(self):
        for connection in self.connections:
            connection.client.close()
            connection.served.sock.close()
        self.worker.tmp.close()


class Answers(io.BufferedReader):
    """What comes back on a connection; the end of one answer is not its end."""

    def close(self):
        pass


class Connection:
    """A client's connection, served while it asks."""

    def __init__(self, worker, client):
        self.worker = worker
        self.client, server = socket.socketpair()
        self.client.settimeout(5)
        self.answers = Answers(socket.SocketIO(self.client, "rb"))
        at_socket = ("", "map.sock")  # as the system has it for those of a Unix socket, who have no address
        addresses = ((client, 4000), ("127.0.0.1", 80)) if client else at_socket
        self.served = TConn(worker.cfg, server, *addresses)

    def ask(self, request, method="GET", answers=1):
        """(status, headers, body) of one answer, or of several one after the other."""
        self.client.sendall(request)
        self.kept = self.worker.handle(self.served)
        while self.served.parser.unreader.buf.getvalue() and self.kept is True:
            self.kept = self.worker.handle(self.served)
        found = []
        for _ in range(answers):
            answer = http.client.HTTPResponse(SimpleNamespace(makefile=lambda _: self.answers), method=method)
            answer.begin()
            found.append((answer.status, answer.getheaders(), answer.read()))
        return found[0] if answers == 1 else found


def request(path=PATH, *lines, method="GET", version="1.1"):
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", *lines, "", ""]).encode()


@pytest.fixture
def worker(app, monkeypatch):
    monkeypatch.setattr(caching, "SETTLED", timedelta(0))  # as if the last change were long ago
    monkeypatch.setattr(app.wsgi_app, "_kept", KeptAnswers(10**7))
    monkeypatch.setitem(app.extensions, ready.EXTENSION, ready.ReadyAnswers(app.wsgi_app))
    made = Worker(app)
    yield made
    made.close()


@pytest.fixture
def connection(worker):
    """One that was in use before: what is received first is gunicorn's."""
    made = worker.connect()
    made.ask(request("/health/live"))
    worker.asked.clear()
    return made


@pytest.fixture
def change(database):
    def run(name):
        with database.session("tester") as session:
            session.execute(
                text("UPDATE register.assets SET name = :name WHERE id = 'finsbury-library'"), {"name": name}
            )

    return run


def general(headers):
    return [(name, value) for name, value in headers if name not in OWN]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path, lines",
    [
        (PATH, ()),
        (PATH, ("Accept-Encoding: gzip, br", "Connection: keep-alive")),
        ("/api/collections/libraries/items/finsbury-library", ("Accept: application/geo+json",)),
        ("/api/collections", ()),
        ("/api/collections/libraries/tiles/WebMercatorQuad/10/0/0", ()),
        ("/openreferral/3.0/services?page=1", ()),
    ],
)
def test_what_comes_again_gets_the_same_answer_without_being_parsed(worker, connection, path, lines, method):
    connection.ask(request(path, *lines))  # a HEAD is answered from what is kept, and keeps nothing itself
    worker.asked.clear()
    again = request(path, *lines, method=method)
    parsed = connection.ask(again, method)
    found = [connection.ask(again, method) for _ in range(3)]
    assert len(worker.asked) == 1
    for status, headers, body in found:
        assert (status, body) == (parsed[0], parsed[2])
        assert [name for name, _ in headers] == [name for name, _ in parsed[1]]
        assert general(headers) == general(parsed[1])
    ids = {dict(headers)["X-Request-Id"] for _, headers, _ in [parsed, *found]}
    assert len(ids) == 4


def test_an_unchanged_answer_is_not_sent_again(worker, connection):
    etag = dict(connection.ask(request())[1])["ETag"]
    conditional = request(PATH, f"If-None-Match: {etag}")
    parsed = connection.ask(conditional)
    worker.asked.clear()
    for _ in range(2):
        status, headers, body = connection.ask(conditional)
        assert (status, body) == (304, b"")
        assert general(headers) == general(parsed[1])
    assert worker.asked == []


def test_a_tag_given_by_another_process_is_enough(app, worker, connection):
    etag = dict(connection.ask(request())[1])["ETag"]
    app.wsgi_app._kept = KeptAnswers(10**7)  # put back by the fixture
    conditional = request(PATH, f"If-None-Match: {etag}")
    assert [connection.ask(conditional)[0] for _ in range(3)] == [304] * 3
    assert len(worker.asked) == 2


def test_a_change_is_seen_at_once(worker, connection, change):
    path = "/api/collections/libraries/items/finsbury-library"
    for _ in range(3):
        before = connection.ask(request(path))
    conditional = request(path, f"If-None-Match: {dict(before[1])['ETag']}")
    assert [connection.ask(conditional)[0] for _ in range(2)] == [304] * 2
    for name in ("Changed once", "Changed twice"):
        change(name)
        assert name.encode() in connection.ask(request(path))[2]
        assert connection.ask(conditional)[0] == 200


def test_an_answer_that_will_soon_say_when_it_changed_is_not_ready(worker, connection, monkeypatch):
    monkeypatch.setattr(caching, "SETTLED", timedelta(days=10_000))
    answers = [connection.ask(request()) for _ in range(3)]
    assert len(worker.asked) == 3
    assert "Last-Modified" not in dict(answers[-1][1])


def test_an_answer_that_is_no_longer_kept_is_made_again(app, worker, connection):
    parsed = [connection.ask(request()) for _ in range(2)][-1]
    app.wsgi_app._kept = KeptAnswers(10**7)
    again = connection.ask(request())
    assert again[2] == parsed[2]
    assert len(worker.asked) == 3


def test_whatever_goes_wrong_with_what_is_ready_the_application_is_asked(
    app, worker, connection, monkeypatch
):
    def wrong(_):
        raise OSError("not the client's socket")

    for _ in range(3):
        connection.ask(request())
    monkeypatch.setattr(app.wsgi_app, "stand", wrong)
    assert connection.ask(request())[0] == 200
    assert connection.kept is True
    assert len(worker.asked) == 3


def test_when_the_database_says_nothing_the_application_is_asked(app, worker, connection, monkeypatch):
    for _ in range(3):
        connection.ask(request())
    assert len(worker.asked) == 2

    def away(_):
        raise psycopg.OperationalError("the database has gone")

    with monkeypatch.context() as gone:
        gone.setattr(caching, "_read_text", away)
        assert connection.ask(request())[0] == 200
    assert len(worker.asked) == 3
    assert [connection.ask(request())[0] for _ in range(3)] == [200] * 3
    assert len(worker.asked) == 4


ALWAYS_PARSED = {
    "session": request(PATH, "Cookie: session=x"),
    "cookie": request(PATH, "Cookie: other=x"),
    "token": request(PATH, "Authorization: Bearer x"),
    "id": request(PATH, "X-Request-Id: chosen-by-a-proxy"),
    "length": request(PATH, "Content-Length: 0"),
    "body": request(PATH, "Content-Length: 4") + b"body",
    "chunked": request(PATH, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "upgrade": request(PATH, "Upgrade: websocket", "Connection: upgrade"),
    "where": request(f"{PATH}&lon=-0.1&lat=51.5"),
    "long": request(PATH, "X: " + "x" * ready.LONGEST_REQUEST),
    "old": request(PATH, "Connection: keep-alive", version="1.0"),
    "mistake": request("/api/collections/libraries/items?limit=0"),
    "nothing": request("/api/collections/nothing"),
    "health": request("/health/live"),
    "page": request("/"),
    "options": request(method="OPTIONS"),
}


@pytest.mark.parametrize("name", ALWAYS_PARSED)
def test_the_rest_is_always_parsed(worker, connection, name):
    answers = [connection.ask(ALWAYS_PARSED[name]) for _ in range(4)]
    assert len({status for status, _, _ in answers}) == 1
    assert len(worker.asked) == 4


REFUSED = {
    "bare line feeds": request().replace(b"\r\n", b"\n"),
    "a bare line feed": request(PATH, "X: y\nZ: w"),
    "folded": request(PATH, "X: y", " folded"),
    "two hosts": request(PATH, "Host: other"),
    "space": request(PATH, "X : y"),
    "two lengths": request(PATH, "Content-Length: 1", "Content-Length: 2"),
    "two spaces": b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_gunicorn_refuses_is_refused_before_and_after(worker, name):
    for _ in range(3):
        made = worker.connect()
        made.ask(request())
        made.ask(request())
        status, headers, _ = made.ask(REFUSED[name])
        assert status == 400
        assert dict(headers)["Connection"] == "close"
        assert made.kept is False


def test_requests_sent_ahead_are_all_answered_in_order(worker, connection):
    for _ in range(2):
        connection.ask(request())
    etag = dict(connection.ask(request())[1])["ETag"]
    conditional = request(PATH, f"If-None-Match: {etag}")
    ahead = request() + conditional + request("/health/live") + request()
    assert [answer[0] for answer in connection.ask(ahead, answers=4)] == [200, 304, 200, 200]


def test_a_head_that_comes_in_pieces_is_parsed(worker, connection):
    for _ in range(3):
        connection.ask(request())
    worker.asked.clear()
    whole = request()
    connection.client.sendall(whole[:30])
    received = connection.served.parser.unreader
    chunk, pieces = received.chunk, [whole[30:]]

    def late(size_hint=None):
        found = chunk(size_hint)
        if pieces:
            connection.client.sendall(pieces.pop())
        return found

    received.chunk = late
    assert connection.ask(b"")[0] == 200
    assert worker.asked == ["/api/collections/libraries/items"]


def test_what_a_proxy_may_say_another_may_not(worker):
    """The scheme a trusted proxy names is in the links; the same bytes from elsewhere must not have it."""
    for client, scheme in (("127.0.0.1", b"https"), ("192.0.2.7", b"http")):
        made = worker.connect(client)
        for _ in range(4):
            _, _, body = made.ask(request(PATH, "X-Forwarded-Proto: https"))
            assert b'"href":"%b://' % scheme in body.replace(b" ", b"")


def test_a_proxy_at_a_unix_socket_is_answered_alike_and_shares_nothing_with_others(worker):
    asked = request(PATH, "X-Forwarded-Proto: https")
    bodies = {}
    for client in ("", "192.0.2.7"):
        made = worker.connect(client)
        worker.asked.clear()
        bodies[client] = {made.ask(asked)[2] for _ in range(4)}
        assert len(worker.asked) == 2
    assert all(len(found) == 1 for found in bodies.values())
    assert b'"href":"https://' in bodies[""].pop().replace(b" ", b"")
    assert b'"href":"https://localhost' not in bodies["192.0.2.7"].pop().replace(b" ", b"")


def test_the_log_says_the_same_of_both_ways(worker, connection, monkeypatch):
    lines = []
    monkeypatch.setattr(worker.worker.log.access_log, "info", lambda line, words: lines.append(line % words))
    for _ in range(3):
        connection.ask(request())
    assert len(worker.asked) == 2
    assert len({line.split("] ")[1].rsplit(" ", 2)[0] for line in lines}) == 1
    assert "limit" not in lines[-1]


def test_a_worker_that_stops_closes_the_connection(worker, connection):
    for _ in range(3):
        connection.ask(request())
    worker.worker.alive = False
    _, headers, _ = connection.ask(request())
    assert dict(headers)["Connection"] == "close"
    assert connection.kept is False


def test_no_more_is_ready_than_may_be(worker, connection, monkeypatch):
    monkeypatch.setattr(ready, "MOST_READY", 3)
    for number in range(6):
        for _ in range(2):
            connection.ask(request(f"/api/collections/libraries/items?limit={number + 1}"))
    assert len(worker.worker.ready) == 3
