"""Settings of what goes outside: read from the environment, refused aloud when they make no sense."""

import pytest

from ticketing.kernel.mail import Security
from ticketing.kernel.webhook import Host
from ticketing.settings import from_environment

OUTSIDE = {
    "TICKETING_ADDRESS": "https://kf.example.com/",
    "TICKETING_SMTP_HOST": "smtp.example.com",
    "TICKETING_SMTP_USER": "kf",
    "TICKETING_SMTP_PASSWORD": "not-for-anybody",
    "TICKETING_SMTP_FROM": "客服通 <kf@example.com>",
    "TICKETING_WEBHOOK_HOSTS": "http://127.0.0.1:9000",
}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TICKETING_INSTANCE", str(tmp_path))
    for name in OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_any_setting_no_mail_goes_out_and_only_the_two_services_may_be_called(environment):
    found = from_environment()
    assert (found.address, found.mail.host) == ("", "")
    assert found.notices_kept_days == 180
    assert [host.name for host in found.webhook_hosts] == [
        "qyapi.weixin.qq.com",
        "oapi.dingtalk.com",
    ]


def test_the_environment_names_site_mail_server_and_hosts(environment):
    for name, value in OUTSIDE.items():
        environment.setenv(name, value)
    found = from_environment()
    assert found.address == "https://kf.example.com"
    assert found.mail.address == ("smtp.example.com", 587)
    assert (found.mail.security, found.mail.domain) == (Security.STARTTLS, "example.com")
    assert found.webhook_hosts == (Host("127.0.0.1", 9000, plain=True, inside=True),)
    assert "not-for-anybody" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICKETING_ADDRESS", "kf.example.com"),
        ("TICKETING_SMTP_FROM", "nobody"),
        ("TICKETING_SMTP_SECURITY", "maybe"),
        ("TICKETING_SMTP_PORT", "x"),
        ("TICKETING_PROCESSES", "0"),
        ("TICKETING_PROCESSES", "many"),
        ("TICKETING_NOTICES_KEPT_DAYS", "29"),
        ("TICKETING_NOTICES_KEPT_DAYS", "never"),
        ("TICKETING_WEBHOOK_HOSTS", "https://a.example.com/path"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start(environment, name, value):
    for known, good in OUTSIDE.items():
        environment.setenv(known, good)
    environment.setenv(name, value)
    with pytest.raises(ValueError):
        from_environment()
