"""E-mail: handed to a server that speaks SMTP, or written into a file only we can read."""

import email
import email.policy
import logging
import socketserver
import threading

import pytest
from pydantic import SecretStr

from mapservice.mail import send_mail


class Post(socketserver.StreamRequestHandler):
    """As much of SMTP as one message needs."""

    def handle(self):
        self.wfile.write(b"220 post\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.taken.append(b"".join(lines))
            if word == b"RCPT" and self.server.refuses:
                self.wfile.write(b"550 no such person here: ada@example.org\r\n")
                continue
            self.wfile.write(self.server.goodbye if word == b"QUIT" else b"250 yes\r\n")


@pytest.fixture
def post():
    """A server that takes messages."""
    with socketserver.TCPServer(("127.0.0.1", 0), Post) as server:
        server.taken, server.refuses, server.goodbye = [], False, b"221 bye\r\n"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def by(settings, post):
    return settings.model_copy(
        update={
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{post.server_address[1]}"),
            "mail_from": "map@example.org",
        }
    )


def test_a_message_is_handed_over(settings, post):
    assert send_mail(by(settings, post), "ada@example.org", "Hello\r\nBcc: x@example.org", "Grüße\n")
    message = email.message_from_bytes(post.taken[0], policy=email.policy.default)
    assert (message["To"], message["From"]) == ("ada@example.org", "map@example.org")
    assert message["Subject"] == "Hello Bcc: x@example.org"
    assert message["Bcc"] is None
    assert message.get_content().strip() == "Grüße"


def test_the_same_message_is_the_same_whenever_it_is_sent_and_taken_once_it_was_taken(settings, post):
    post.goodbye = b"421 too busy to say goodbye\r\n"
    for key in ("digest.1", "digest.1", ""):
        assert send_mail(by(settings, post), "ada@example.org", "Hello", "x", key=key)
    first, second, other = (email.message_from_bytes(each)["Message-ID"] for each in post.taken)
    assert first == second == "<digest.1@localhost>"
    assert other not in (first, None)


def test_what_cannot_be_sent_is_said_without_the_address(settings, post, caplog):
    post.refuses = True
    with caplog.at_level(logging.DEBUG):
        assert not send_mail(by(settings, post), "ada@example.org", "Hello", "x")
        gone = settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})
        assert not send_mail(gone, "ada@example.org", "Hello", "x")
        assert not send_mail(settings, "no address at all\r\nBcc: x@example.org", "Hello", "x")
    assert "could not be sent" in caplog.text
    assert "example.org" not in caplog.text


def test_without_a_server_it_is_a_file_of_ours(settings):
    assert send_mail(settings, "ada@example.org", "To a file", "x")
    letter = next(path for path in (settings.var_dir / "mail").iterdir() if "To a file" in path.read_text())
    assert letter.suffix == ".eml"
    assert letter.stat().st_mode & 0o077 == 0
