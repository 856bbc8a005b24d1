"""Sends a notice as mail, by the server that the settings name."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from faena.notices.failures import NeverBrought, NotBrought
from faena.notices.messages import Message
from faena.people.settings import MAIL_PORTS

_SILENT = 15.0


def send(server: str, sender: str, to: str, notice_id: str, message: Message) -> None:
    """`server`: as the settings have it; empty: none. Raises NotBrought."""
    if not server:
        raise NeverBrought("the server has no mail server: mail_server in docs/server.md")
    parts = urlsplit(server)
    host, port = str(parts.hostname), parts.port or MAIL_PORTS[parts.scheme]
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.title.split())[:200]
    mail["From"], mail["To"] = sender or f"faena@{host}", to
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(notice_id, domain="faena.invalid")
    mail.set_content(message.text)
    try:
        if parts.scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=_SILENT, context=ssl.create_default_context()
            )
        else:
            opened = smtplib.SMTP(host, port, timeout=_SILENT)
        with closing(opened):
            if parts.scheme == "smtp+starttls":
                opened.starttls(context=ssl.create_default_context())
            if parts.username:
                opened.login(unquote(parts.username), unquote(parts.password or ""))
            opened.send_message(mail)
            with suppress(OSError, smtplib.SMTPException):  # it has the mail, however it says goodbye
                opened.quit()
    except (OSError, smtplib.SMTPException) as error:
        raise NotBrought(f"the mail server {host} did not take it: {type(error).__name__}") from None
