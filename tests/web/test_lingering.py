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
