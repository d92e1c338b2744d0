"""E-mail out of the house: one plain text message to one mailbox over SMTP."""

import smtplib
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import clean_line, looks_like_mailbox
from ticketing.kernel.wire import SendingFailed, line


class Security(Labelled):
    """How the way to the mail server is protected."""

    NONE = "none", "不加密"
    STARTTLS = "starttls", "STARTTLS"
    TLS = "tls", "TLS"


SECONDS = 30.0
"""How long one message may take altogether: a mail server may look for spam before it answers."""

PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}


@dataclass(frozen=True)
class MailServer:
    """The mail server of the installation; without a host no mail goes out.

    `sender` is the mailbox mails come from, with or without a name: ``客服通 <kf@example.com>``.
    """

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    security: Security = Security.STARTTLS
    sender: str = ""

    def __post_init__(self) -> None:
        if self.host and not looks_like_mailbox(parseaddr(self.sender)[1]):
            raise ValueError(
                "TICKETING_SMTP_FROM must be a mailbox when TICKETING_SMTP_HOST is set"
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the usual port of its kind where none is given."""
        return self.host, self.port or PORTS[self.security]

    @property
    def domain(self) -> str:
        """The domain mails come from: it greets the server and ends the message ids."""
        return parseaddr(self.sender)[1].rpartition("@")[2]


def letter(
    server: MailServer, *, to: str, subject: str, body: str, event_id: str, at: datetime
) -> EmailMessage:
    """A message whose headers hold one line each, whatever was typed; its Message-ID is `event_id`'s.

    Raises SendingFailed when `to` is no mailbox.
    """
    if not looks_like_mailbox(to):
        raise SendingFailed("收件人的邮箱地址不正确。")
    message = EmailMessage()
    message["Subject"] = clean_line(subject)
    message["From"] = server.sender
    message["To"] = to
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{event_id}@{server.domain}>"
    message["X-Event-Id"] = event_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, cte="base64")
    return message


def post(server: MailServer, message: EmailMessage) -> None:
    """Hand `message` to the mail server. Raises SendingFailed, in words."""
    if not server.host:
        raise SendingFailed("没有配置发信服务器。", everybody=True)
    host, port = server.address
    try:
        with line(host, port, SECONDS) as sock:
            _deliver(server, sock, message)
    except smtplib.SMTPRecipientsRefused as refusal:
        code, words = next(iter(refusal.recipients.values()))
        raise SendingFailed(f"收件人被拒绝（{code} {_said(words)}）。") from None
    except smtplib.SMTPDataError as refusal:
        raise SendingFailed(
            f"邮件被拒收（{refusal.smtp_code} {_said(refusal.smtp_error)}）。"
        ) from None
    except smtplib.SMTPAuthenticationError as refusal:
        raise SendingFailed(
            f"发信服务器不接受账号或密码（{refusal.smtp_code}）。", everybody=True
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise SendingFailed(
            "发信服务器不支持要求的加密或登录方式，没有发送。", everybody=True
        ) from None
    except smtplib.SMTPResponseException as refusal:
        raise SendingFailed(
            f"发信服务器拒绝（{refusal.smtp_code} {_said(refusal.smtp_error)}）。", everybody=True
        ) from None
    except ssl.SSLError as fault:
        raise SendingFailed(
            f"与发信服务器的加密连接不成立（{fault.reason or 'TLS'}）。", everybody=True
        ) from None
    except TimeoutError:
        raise SendingFailed("发信服务器没有在时限内应答。", everybody=True) from None
    except (smtplib.SMTPException, OSError):
        raise SendingFailed("发信服务器连不上或中断了连接。", everybody=True) from None
    except (MessageError, ValueError, UnicodeError):
        raise SendingFailed("邮件内容无法编码。") from None


class _Session(smtplib.SMTP):
    """An SMTP session over a connection somebody else opened, and will cut."""

    def __init__(self, sock: socket.socket, server: MailServer) -> None:
        self._ready = sock
        host, port = server.address
        super().__init__(host, port, local_hostname=server.domain)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._ready


def _deliver(server: MailServer, sock: socket.socket, message: EmailMessage) -> None:
    """One session: greet, protect, sign in, hand over. Once handed over, a lost goodbye is no failure."""
    if server.security is Security.TLS:
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=server.host)
    with closing(sock), closing(_Session(sock, server)) as session:
        if server.security is Security.STARTTLS:
            session.starttls(context=ssl.create_default_context())
        if server.user:
            session.login(server.user, server.password)
        session.send_message(message, parseaddr(server.sender)[1], [str(message["To"])])
        with suppress(smtplib.SMTPException, OSError):
            session.quit()


def _said(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return clean_line(text)[:120]
