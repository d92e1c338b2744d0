"""Messages to robots against a real web server that hangs, fails, redirects, drips and answers twice."""

import socket
import time

import pytest

from tests.support.receivers import (
    OK,
    close_early,
    deaf_server,
    drip,
    free_port,
    half_an_answer,
    hang,
    say,
    twice,
    web_server,
)
from ticketing.kernel import webhook
from ticketing.kernel.wire import SendingFailed

OFFICIAL = webhook.hosts(webhook.OFFICIAL_HOSTS)


@pytest.fixture
def robots():
    with web_server() as listening:
        yield listening


def send(robots, path="/send?key=k", allowed=None):
    hosts = webhook.hosts(robots.host) if allowed is None else allowed
    told = webhook.post_json(
        f"{robots.host}{path}", {"msgtype": "text", "字": "中"}, allowed=hosts, event_id="e" * 32
    )
    webhook.accepted(told, frozenset({45009}))
    return told


def refusal(robots, **kwargs):
    with pytest.raises(SendingFailed) as failed:
        send(robots, **kwargs)
    return failed.value


def test_a_message_arrives_with_its_stable_id(robots):
    assert send(robots) == OK
    ((path, headers, body),) = robots.heard
    assert path == "/send?key=k"
    assert headers["X-Event-Id"] == "e" * 32
    assert headers["Host"] == f"127.0.0.1:{robots.port}"
    assert body == {"msgtype": "text", "字": "中"}


def test_an_answer_that_is_no_success_is_a_failure_in_its_own_words(robots):
    for told, word, everybody in (
        ({"errcode": 93000, "errmsg": "invalid webhook url"}, "93000 invalid webhook url", False),
        ({"errcode": 45009, "errmsg": "api freq out of limit"}, "45009", True),
        ({"errcode": "0"}, "拒绝", False),
        ({"errcode": False}, "拒绝", False),
        ({"errcode": [1]}, "拒绝", False),
        ({}, "拒绝", False),
        ([], "约定的格式", False),
        (b"<html>", "约定的格式", False),
        (b"[" * 60_000, "约定的格式", False),
        (b"\xff\xfe", "约定的格式", False),
        (b" " * 70_000 + b"{}", "过长", False),
    ):
        robots.answer = say(told)
        failure = refusal(robots)
        assert word in failure.sentence
        assert failure.everybody == everybody, told


@pytest.mark.parametrize("status", [201, 400, 404, 429, 500, 503])
def test_a_failing_server_is_given_a_rest(robots, status):
    robots.answer = say(OK, status)
    failure = refusal(robots)
    assert str(status) in failure.sentence
    assert failure.everybody


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(robots, status):
    with web_server() as elsewhere:
        robots.answer = say(b"", status, Location=f"{elsewhere.host}/stolen")
        hosts = webhook.hosts(f"{robots.host},{elsewhere.host}")
        assert "没有跟随" in refusal(robots, allowed=hosts).sentence
        assert elsewhere.heard == []
    assert len(robots.heard) == 1


@pytest.mark.parametrize("way", [hang, drip])
def test_a_server_that_hangs_or_drips_is_left_in_time(robots, monkeypatch, way):
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    robots.answer = way
    began = time.monotonic()
    failure = refusal(robots)
    assert time.monotonic() - began < 1.5
    assert failure.everybody
    assert "时限" in failure.sentence


def test_a_server_that_says_nothing_or_is_not_there_is_left(robots, monkeypatch):
    monkeypatch.setattr(webhook, "SECONDS", 0.3)
    with deaf_server() as port:
        robots.port, silent = port, robots.port
        assert refusal(robots).everybody
        robots.port = free_port()
        assert "连不上" in refusal(robots).sentence
        robots.port = silent


@pytest.mark.parametrize("way", [close_early, half_an_answer])
def test_an_answer_that_breaks_off_is_a_failure(robots, way):
    robots.answer = way
    assert refusal(robots).everybody


def test_only_the_first_of_two_answers_counts(robots):
    robots.answer = twice
    assert send(robots) == OK


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/cgi-bin/webhook/send?key=1",
        "https://qyapi.weixin.qq.com.evil.example.com/",
        "https://evil.example.com/qyapi.weixin.qq.com",
        "https://qyapi.weixin.qq.com@evil.example.com/",
        "https://user:pass@qyapi.weixin.qq.com/",
        "https://evil.example.com#@qyapi.weixin.qq.com/",
        "https://qyapi.weixin.qq.com/#x",
        "https://evil.example.com\\@qyapi.weixin.qq.com/",
        "https:\\\\qyapi.weixin.qq.com/",
        "https://qyapi.weixin.qq.com:8443/",
        "https://qyapi.weixin.qq.com:99999/",
        "https://qyapi.weixin.qq.com:x/",
        "http://qyapi.weixin.qq.com/",
        "http://qyapi.weixin.qq.com:443/",
        "ftp://qyapi.weixin.qq.com/",
        "file:///etc/passwd",
        "//qyapi.weixin.qq.com/",
        "qyapi.weixin.qq.com",
        "https://qyapi.weixin.qq.com./",
        "https://qyapi。weixin。qq。com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://qyapi.weixin.qq.com/a b",
        "https://qyapi.weixin.qq.com/\r\nHost: evil",
        "https://qyapi.weixin.qq.com/\t",
        "https://qyapi.weixin.qq.com/" + "a" * 1000,
        "",
    ],
)
def test_no_other_place_can_be_named(address):
    with pytest.raises(SendingFailed) as failed:
        webhook.checked(address, OFFICIAL)
    assert failed.value.everybody


def test_the_official_places_are_taken_as_they_are():
    target = webhook.checked("https://QYAPI.weixin.qq.com/cgi-bin/webhook/send?key=1-2", OFFICIAL)
    assert (target.host.name, target.host.port) == ("qyapi.weixin.qq.com", 443)
    assert target.path == "/cgi-bin/webhook/send?key=1-2"
    assert webhook.checked("https://oapi.dingtalk.com", OFFICIAL).path == "/"


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.9",
    "172.16.5.5",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "fe80::1%eth0",
    "fc00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_allowed_name_that_leads_inside_is_refused(monkeypatch, address):
    good = "93.184.216.34"

    def lookup(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in (good, address)]

    called = []
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: called.append(a))
    with pytest.raises(SendingFailed, match="内部网络"):
        webhook.post_json("https://oapi.dingtalk.com/x", {}, allowed=OFFICIAL, event_id="e")
    assert called == []
    inside = webhook.Host("robot.intern", 8080, plain=True, inside=True)
    assert webhook.resolved(inside) == good


def test_the_connection_goes_to_the_very_address_that_was_checked(monkeypatch):
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    called = []

    def lookup(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, **_):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(SendingFailed, match="连不上"):
        webhook.post_json("https://oapi.dingtalk.com/x", {}, allowed=OFFICIAL, event_id="e")
    assert called == [("93.184.216.34", 443)]


def test_an_encrypted_place_must_show_its_certificate(robots):
    host = webhook.hosts(f"127.0.0.1:{robots.port}")
    with pytest.raises(SendingFailed) as failed:
        webhook.post_json(f"https://127.0.0.1:{robots.port}/x", {}, allowed=host, event_id="e" * 32)
    assert failed.value.everybody
    assert robots.heard == []


def test_a_proxy_of_the_environment_is_not_asked(robots, monkeypatch):
    with web_server() as proxy:
        for name in ("http_proxy", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.host)
        send(robots)
        assert proxy.heard == []


def test_the_setting_names_hosts_and_nothing_else():
    assert webhook.hosts("a.example.com, b.example.com:8443,http://127.0.0.1:9000,") == (
        webhook.Host("a.example.com"),
        webhook.Host("b.example.com", 8443, inside=True),
        webhook.Host("127.0.0.1", 9000, plain=True, inside=True),
    )
    assert webhook.hosts("") == ()
    for wrong in ("http://a.example.com", "a.example.com/x", "u@a.example.com", "ftp://a:1", "a:x"):
        with pytest.raises(ValueError):
            webhook.hosts(wrong)
