"""Connections that are kept open share a server's few threads, and are let go when it stops."""

import http.client
import time
from urllib.parse import urlsplit

PATH = "/health/live"
MANY = 40
"""More connections than two workers have threads."""


def ask(connection):
    connection.request("GET", PATH)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_idle_connections_keep_no_thread_from_others(live_server):
    address = urlsplit(live_server).netloc
    connections = [http.client.HTTPConnection(address, timeout=10) for _ in range(MANY)]
    try:
        for _ in range(3):
            assert {ask(connection) for connection in connections} == {200}
        started = time.monotonic()
        newcomer = http.client.HTTPConnection(address, timeout=10)
        connections.append(newcomer)
        assert ask(newcomer) == 200
        assert time.monotonic() - started < 2
        # One that has been waiting on the poller's side meanwhile is served as before.
        time.sleep(0.1)
        assert ask(connections[0]) == 200
    finally:
        for connection in connections:
            connection.close()


def test_what_is_asked_again_is_answered_alike(live_server):
    connection = http.client.HTTPConnection(urlsplit(live_server).netloc, timeout=10)
    seen = []
    for method in ("GET", "GET", "GET", "HEAD", "HEAD", "GET"):
        connection.request(method, "/api/collections/libraries/items?limit=2")
        answer = connection.getresponse()
        # A date of the last change is given only once that is two seconds ago.
        general = [h for h in answer.getheaders() if h[0] not in ("Date", "X-Request-Id", "Last-Modified")]
        seen.append((answer.headers["X-Request-Id"], method, answer.status, general, answer.read()))
    connection.close()
    assert {status for _, _, status, _, _ in seen} == {200}
    assert len({name for name, *_ in seen}) == len(seen)
    assert len({tuple(headers) for *_, headers, _ in seen}) == 1
    assert len({body for _, method, _, _, body in seen if method == "GET"}) == 1
    assert {body for _, method, _, _, body in seen if method == "HEAD"} == {b""}


def test_requests_sent_ahead_are_all_answered(live_server):
    connection = http.client.HTTPConnection(urlsplit(live_server).netloc, timeout=10)
    connection.connect()
    request = f"GET {PATH} HTTP/1.1\r\nHost: {urlsplit(live_server).netloc}\r\n\r\n".encode()
    connection.sock.sendall(request * 5)
    seen = b""
    while seen.count(b"HTTP/1.1 200") < 5:
        piece = connection.sock.recv(65536)
        assert piece, seen
        seen += piece
    connection.close()
