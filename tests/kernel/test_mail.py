"""E-mail against a real SMTP server on loopback that takes, refuses, hangs, drops and answers twice."""

import ssl
import subprocess
import time
from dataclasses import replace

import pytest

from tests.support.receivers import deaf_server, free_port, mail_server
from ticketing.kernel import clock, mail
from ticketing.kernel.mail import MailServer, Security
from ticketing.kernel.text import looks_like_mailbox
from ticketing.kernel.wire import SendingFailed

EVENT = "a1" * 16


def send(server, to="lin@example.com", subject="重大投诉", body="请马上处理。"):
    letter = mail.letter(server, to=to, subject=subject, body=body, event_id=EVENT, at=clock.now())
    mail.post(server, letter)


def refusal(server, **kwargs):
    with pytest.raises(SendingFailed) as failed:
        send(server, **kwargs)
    return failed.value


@pytest.fixture
def mailbox():
    with mail_server() as taking:
        yield taking


def test_a_letter_arrives_whole_with_its_stable_id(mailbox):
    body = "第一行\n.\n.第三行\n" + "长" * 3000
    send(mailbox.server, body=body)
    ((receivers, letter),) = mailbox.letters
    assert receivers == ["lin@example.com"]
    assert letter["Subject"] == "重大投诉"
    assert letter["Message-ID"] == f"<{EVENT}@example.com>"
    assert letter["X-Event-Id"] == EVENT
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["From"].addresses[0].display_name == "客服通"
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().replace("\r\n", "\n").strip() == body


@pytest.mark.parametrize(
    "evil",
    [
        "标题\r\nBcc: thief@example.com",
        "标题\nBcc: thief@example.com\n\n<script>",
        "标题\r\n\r\n正文提前",
        "标题\x00\x0b\x1b\u2028Bcc: thief@example.com",
    ],
)
def test_no_typed_word_becomes_a_header(mailbox, evil):
    send(mailbox.server, subject=evil, body=f"{evil}\r\n.\r\nMAIL FROM:<x@y.zz>")
    ((receivers, letter),) = mailbox.letters
    assert receivers == ["lin@example.com"]
    assert letter["Bcc"] is None
    assert "Bcc: thief@example.com" in letter["Subject"] or "正文提前" in letter["Subject"]
    assert "MAIL FROM" in letter.get_content()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lin",
        "lin@",
        "@example.com",
        "lin@example",
        "lin@example.com,x@example.com",
        "lin@example.com\r\nBcc: x@example.com",
        "lin@example.com x",
        "<lin@example.com>",
        '"a b"@example.com',
        "林@example.com",
        "lin@exa mple.com",
        "lin@[127.0.0.1]",
        "-oQ/tmp@x..com",
        "a" * 65 + "@example.com",
        "lin@" + "a." * 130 + "com",
    ],
)
def test_what_is_no_mailbox_gets_no_letter(mailbox, address):
    assert not looks_like_mailbox(address)
    assert "邮箱地址不正确" in refusal(mailbox.server, to=address).sentence
    assert mailbox.letters == []


def test_a_refused_receiver_is_his_own_trouble_and_a_refused_message_its_own(mailbox):
    for mode, word in (("unknown", "550"), ("busy", "451"), ("spam", "554")):
        mailbox.mode = mode
        failure = refusal(mailbox.server)
        assert word in failure.sentence
        assert not failure.everybody
    assert mailbox.letters == []


def test_a_server_that_hangs_in_the_middle_is_left(mailbox, monkeypatch):
    monkeypatch.setattr(mail, "SECONDS", 0.4)
    mailbox.mode = "hang"
    began = time.monotonic()
    failure = refusal(mailbox.server)
    assert failure.everybody
    assert "时限" in failure.sentence
    assert time.monotonic() - began < 3


def test_a_server_that_never_greets_is_left(mailbox, monkeypatch):
    monkeypatch.setattr(mail, "SECONDS", 0.3)
    with deaf_server() as port:
        assert refusal(replace(mailbox.server, port=port)).everybody


def test_a_dead_server_and_a_dropped_connection_are_told_in_words(mailbox):
    failure = refusal(replace(mailbox.server, port=free_port()))
    assert failure.everybody
    assert "连不上" in failure.sentence
    mailbox.mode = "drop"
    assert refusal(mailbox.server).everybody
    assert len(mailbox.letters) == 1


def test_a_server_that_answers_twice_has_taken_the_letter_once(mailbox):
    mailbox.mode = "twice"
    send(mailbox.server)
    assert len(mailbox.letters) == 1


def test_without_encryption_on_offer_nothing_is_sent_in_the_clear(mailbox):
    failure = refusal(replace(mailbox.server, security=Security.STARTTLS))
    assert "加密" in failure.sentence
    assert mailbox.letters == []
    monitor = replace(mailbox.server, security=Security.TLS)
    assert refusal(monitor).everybody
    assert mailbox.letters == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_an_encrypted_way_needs_a_certificate_one_can_trust(certificate, monkeypatch, security):
    context, cert = certificate
    options = (
        {"tls_context": context} if security is Security.STARTTLS else {"ssl_context": context}
    )
    with mail_server(**options) as mailbox:
        server = replace(mailbox.server, security=security)
        assert "加密连接不成立" in refusal(server).sentence
        assert mailbox.letters == []
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        send(server)
        assert len(mailbox.letters) == 1


def test_it_signs_in_and_a_wrong_password_is_told_without_the_password(certificate, monkeypatch):
    context, cert = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    holder = {}

    def authenticate(*args):
        return holder["mailbox"].authenticate(*args)

    with mail_server(tls_context=context, authenticator=authenticate) as mailbox:
        holder["mailbox"] = mailbox
        server = replace(
            mailbox.server, security=Security.STARTTLS, user="kf", password="right-password"
        )
        send(server)
        assert mailbox.signed_in == [b"kf"]
        failure = refusal(replace(server, password="wrong-password"))
        assert failure.everybody
        assert "wrong-password" not in failure.sentence
        assert "wrong-password" not in repr(replace(server, password="wrong-password"))


def test_without_a_server_nothing_is_sent_and_without_a_sender_nothing_starts():
    server = MailServer(sender="kf@example.com")
    assert "没有配置" in refusal(server).sentence
    with pytest.raises(ValueError, match="TICKETING_SMTP_FROM"):
        MailServer(host="mail.example.com", sender="nobody")
