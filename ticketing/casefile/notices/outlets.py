"""What a notice looks like outside: an e-mail, a message of a 企业微信 or 钉钉 group robot.

Robots get plain text, never markdown: a word a customer said can then be neither a heading nor a link text. What
is left of meaning in plain text is taken out of typed words: the sign that mentions people and the sign that
makes an address clickable become their full-width forms.
"""

import base64
import hashlib
import hmac
from email.message import EmailMessage
from urllib.parse import urlencode

from ticketing.casefile.notices.delivering import Parcel, Send
from ticketing.casefile.notices.models import Outlet
from ticketing.kernel import clock, mail, webhook
from ticketing.kernel.text import clean, clean_line, one_line
from ticketing.settings import Settings

MARK = "【客服通】"
"""Begins every message; a 钉钉 robot guarded by a keyword can take it as its own."""

CUT = "……（后文从略）"
MOST_BYTES = {Outlet.WECOM: 2048, Outlet.DINGTALK: 18_000}
"""How many bytes of text the services take; 钉钉 counts the whole message, at most 20,000."""

MOST_LETTERS = 20_000
BUSY = {Outlet.WECOM: frozenset({45009, -1}), Outlet.DINGTALK: frozenset({130101, 410100, -1})}
"""Answers that mean too many messages or a busy service: everything for that robot waits."""

FOOT = "这封邮件由客服通自动发出，请勿回复。可在“通知设置”里选择哪些通知发到邮箱。"


def sender(settings: Settings) -> Send:
    """What sends a parcel by the mail server and to the hosts the settings name."""

    def send(parcel: Parcel) -> None:
        if parcel.outlet is Outlet.EMAIL:
            mail.post(settings.mail, letter(parcel, settings))
        else:
            to_robot(parcel, settings)

    return send


def letter(parcel: Parcel, settings: Settings) -> EmailMessage:
    """The e-mail of a parcel: its title as subject, plain text, the link, why it came."""
    body = fit(clean(parcel.body), MOST_LETTERS)
    return mail.letter(
        settings.mail,
        to=parcel.to,
        subject=one_line(f"{MARK}{parcel.title}", 120),
        body="\n\n".join(filter(None, (body, link(parcel, settings), FOOT))) + "\n",
        event_id=parcel.stable_id,
        at=parcel.at,
    )


def to_robot(parcel: Parcel, settings: Settings) -> None:
    """Post a parcel to its robot. Raises SendingFailed, also when the robot answers with an error."""
    address = parcel.to
    if parcel.outlet is Outlet.DINGTALK and parcel.secret:
        address += ("&" if "?" in address else "?") + signature(parcel.secret)
    told = webhook.post_json(
        address,
        payload(parcel, settings),
        allowed=settings.webhook_hosts,
        event_id=parcel.stable_id,
    )
    webhook.accepted(told, BUSY[parcel.outlet])


def payload(parcel: Parcel, settings: Settings) -> dict[str, object]:
    """The JSON of a robot message: text within the service's length, nobody mentioned."""
    head = harmless(one_line(f"{MARK}{parcel.title}", 200))
    foot = "\n".join(filter(None, (link(parcel, settings), f"编号 {parcel.stable_id[:10]}")))
    room = MOST_BYTES[parcel.outlet] - len(f"{head}\n\n{foot}".encode())
    body = fit(harmless(clean(parcel.body)), room)
    text = {"content": "\n".join(filter(None, (head, body, foot)))}
    if parcel.outlet is Outlet.WECOM:
        return {"msgtype": "text", "text": {**text, "mentioned_list": []}}
    return {"msgtype": "text", "text": text, "at": {"atMobiles": [], "isAtAll": False}}


def signature(secret: str) -> str:
    """The query 钉钉 checks a signed robot by: the time in milliseconds and its HMAC-SHA256."""
    stamp = str(int(clock.now().timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return urlencode({"timestamp": stamp, "sign": base64.b64encode(digest).decode()})


def link(parcel: Parcel, settings: Settings) -> str:
    """Where the notice leads, as an absolute address; nothing when the site's own is not set."""
    return f"{settings.address}{parcel.path}" if settings.address else ""


def harmless(text: str) -> str:
    """Typed words without power in a chat: nobody is mentioned, no address becomes a link."""
    return text.replace("@", "＠").replace("://", "：//").replace("<", "＜")


def fit(text: str, most_bytes: int) -> str:
    """`text` within `most_bytes` of UTF-8; what had to be cut ends with a mark."""
    if len(text.encode()) <= most_bytes:
        return text
    kept = text.encode()[: max(0, most_bytes - len(CUT.encode()))].decode("utf-8", "ignore")
    return kept + CUT


def masked_address(address: str) -> str:
    """A robot's address without its key, for a page."""
    start, mark, tail = address.partition("?")
    return clean_line(
        f"{start}{mark}{'…' + tail[-4:] if len(tail) > 12 else ('…' if tail else '')}"
    )
