"""E-mail: by the server the settings name, or into files where there is none."""

from __future__ import annotations

import logging
import os
import secrets
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mapservice.settings import Settings

log = logging.getLogger(__name__)

SECONDS = 20


def send_mail(settings: Settings, to: str, subject: str, body: str, *, key: str = "") -> bool:
    """Send one message of plain text; False where it could not be sent. No address is written to a log.

    With a `key` it is the same message whenever it is sent: mailboxes show what comes twice once.
    """
    try:
        message = _message(settings, to, subject, body, key)
        if settings.smtp_url is None:
            _write(settings.var_dir / "mail", message)
        else:
            _hand_over(settings.smtp_url.get_secret_value(), message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # The type alone: what a server answers may repeat the address.
        log.error("an e-mail could not be sent: %s", type(error).__name__)
        return False
    return True


def _message(settings: Settings, to: str, subject: str, body: str, key: str) -> EmailMessage:
    host = urlsplit(settings.public_url or "http://localhost").hostname or "localhost"
    message = EmailMessage()
    message["From"] = settings.mail_from or f"mapservice@{host}"
    message["To"] = Address(addr_spec=to)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{key}@{host}>" if key else make_msgid(domain=host)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def _write(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message.as_bytes())
    draft.rename(folder / f"{draft.name[1:]}.eml")


def _hand_over(url: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    host, context = str(parts.hostname), ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
    taken = False
    try:
        with server:
            if parts.scheme == "smtp" and host not in ("localhost", "127.0.0.1", "::1"):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
            taken = True
    except smtplib.SMTPException:
        # A message that was taken is taken, however the server says goodbye.
        if not taken:
            raise
