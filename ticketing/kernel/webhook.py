"""Messages to web addresses outside: JSON by POST, only to places the operator has listed.

The name is resolved, every address it leads to is checked, and the connection goes to the very address that
was checked. Nothing is followed elsewhere, no proxy is asked, time and length of the answer are limited.
"""

import http.client
import ipaddress
import json
import re
import socket
import ssl
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ticketing.kernel.text import clean_line
from ticketing.kernel.wire import SendingFailed, line

OFFICIAL_HOSTS = "qyapi.weixin.qq.com,oapi.dingtalk.com"
SECONDS = 10.0
"""How long one message may take altogether, however slowly the other side speaks."""

MOST_BYTES = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_VISIBLE = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,1000}")
"""No blank, no control character, no backslash, nothing but ASCII: parsers disagree about those."""


class Host(NamedTuple):
    """A place messages may go to.

    A bare name means https at its usual port and public addresses only. A name with its port is a place the
    operator knows himself, also inside his own network; `plain` speaks http.
    """

    name: str
    port: int = 443
    plain: bool = False
    inside: bool = False


class Target(NamedTuple):
    """A checked address: where to connect, what to ask for."""

    host: Host
    path: str


def hosts(setting: str) -> tuple[Host, ...]:
    """The places of a setting: ``name``, ``name:port`` or ``http://name:port``, separated by commas.

    Raises ValueError for anything else.
    """
    return tuple(_host(entry.strip()) for entry in setting.split(",") if entry.strip())


def _host(entry: str) -> Host:
    parts = urlsplit(entry if "//" in entry else f"https://{entry}")
    tail = parts.path + parts.query + parts.fragment
    if not parts.hostname or "@" in parts.netloc or tail or parts.scheme not in ("http", "https"):
        raise ValueError(f"TICKETING_WEBHOOK_HOSTS: {entry!r} is no host")
    if parts.scheme == "http" and parts.port is None:
        raise ValueError(f"TICKETING_WEBHOOK_HOSTS: {entry!r} needs its port")
    return Host(
        parts.hostname, parts.port or 443, parts.scheme == "http", inside=parts.port is not None
    )


def checked(address: str, allowed: tuple[Host, ...]) -> Target:
    """Where `address` leads, if the operator has listed that place. Raises SendingFailed."""
    try:
        parts = urlsplit(address if _VISIBLE.fullmatch(address) else "")
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SendingFailed("地址须是完整的网址，以加密方式（https）开头。", everybody=True)
    if "@" in parts.netloc or parts.fragment:
        raise SendingFailed("地址里不能有账号或页内标记。", everybody=True)
    for host in allowed:
        if (host.name, host.port, host.plain) == (parts.hostname, port, parts.scheme == "http"):
            return Target(host, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    raise SendingFailed("这个地址不在允许的范围内，请由运维人员列入允许名单。", everybody=True)


def _public(text: str) -> bool:
    """Whether an address lies in the open internet, also where it is wrapped into another family's."""
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return _public(str(inner))
    return found.is_global and not found.is_multicast


def resolved(host: Host) -> str:
    """The network address to connect to. Raises SendingFailed when any the name leads to is not public."""
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SendingFailed("找不到这个主机名。", everybody=True) from None
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not (host.inside or all(map(_public, addresses))):
        raise SendingFailed("这个主机名指向内部网络地址，没有发送。", everybody=True)
    return addresses[0]


def post_json(
    address: str, payload: dict[str, Any], *, allowed: tuple[Host, ...], event_id: str
) -> dict[str, Any]:
    """Post `payload` to `address` and return the JSON object it answers. Raises SendingFailed, in words."""
    target = checked(address, allowed)
    body = json.dumps(payload, ensure_ascii=False).encode()
    try:
        with line(resolved(target.host), target.host.port, SECONDS) as sock:
            status, answer = _exchange(target, sock, body, event_id)
    except TimeoutError:
        raise SendingFailed("对方没有在时限内应答。", everybody=True) from None
    except ssl.SSLError as fault:
        raise SendingFailed(
            f"加密连接不成立（{fault.reason or 'TLS'}）。", everybody=True
        ) from None
    except (OSError, http.client.HTTPException):
        raise SendingFailed("对方连不上或中断了连接。", everybody=True) from None
    if 300 <= status < 400:
        raise SendingFailed(f"对方要求转到别处（{status}），没有跟随。", everybody=True)
    if status != 200:
        raise SendingFailed(f"对方回答状态 {status}。", everybody=True)
    if len(answer) > MOST_BYTES:
        raise SendingFailed("对方的回答过长，没有采信。")
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise SendingFailed("对方的回答不是约定的格式。")
    return told


def _exchange(target: Target, sock: socket.socket, body: bytes, event_id: str) -> tuple[int, bytes]:
    """One request over a connection that stands already; its status and the beginning of its answer."""
    host = target.host
    kind = http.client.HTTPConnection if host.plain else http.client.HTTPSConnection
    connection = kind(host.name, host.port)
    connection.auto_open = 0
    connection.sock = (
        sock
        if host.plain
        else ssl.create_default_context().wrap_socket(sock, server_hostname=host.name)
    )
    try:
        connection.request(
            "POST",
            target.path,
            body,
            {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "ticketing",
                "X-Event-Id": event_id,
            },
        )
        with connection.getresponse() as answer:
            told = answer.read(MOST_BYTES + 1)
            if answer.length and len(told) <= MOST_BYTES:
                raise http.client.IncompleteRead(told, answer.length)
            return answer.status, told
    finally:
        connection.close()


def accepted(told: dict[str, Any], busy: frozenset[int]) -> None:
    """Hold a robot's answer to be a success only at `errcode` 0. Raises SendingFailed with its own words."""
    code = told.get("errcode")
    known = code if isinstance(code, int) and not isinstance(code, bool) else None
    if known == 0:
        return
    words = clean_line(str(told.get("errmsg", "")))[:200]
    raise SendingFailed(
        f"对方拒绝（{clean_line(str(code))[:20]} {words}）。", everybody=known in busy
    )
