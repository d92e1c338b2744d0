"""Settings come from the environment; every one has a documented default (docs/operations.md)."""

import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from ticketing.kernel import webhook
from ticketing.kernel.mail import MailServer, Security
from ticketing.kernel.storage import LocalStore, Store

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What may differ from one installation to another.

    - `database_url` (TICKETING_DATABASE_URL): SQLAlchemy address; default a SQLite file in instance/.
    - `files` (TICKETING_FILES): the folder of pictures and papers; default files/ in instance/.
    - `secret_key` (TICKETING_SECRET_KEY): signs cookies; default a random one kept in instance/.
    - `host`, `port` (TICKETING_HOST, _PORT): where the server listens.
    - `processes`, `threads` (TICKETING_PROCESSES, _THREADS): how many processes answer, each with how many threads.
    - `scheduler` (TICKETING_SCHEDULER, default on): the server runs the jobs itself; off where `flask jobs run` does.
    - `demo` (TICKETING_DEMO): the sign-in page offers the demo accounts of a demo database.
    - `https` (TICKETING_HTTPS): the site is reached by https: secure cookies and HSTS.
    - `company` (TICKETING_COMPANY): the developer's name printed on papers.
    - `property_company` (TICKETING_PROPERTY_COMPANY): the property company's name.
    - `address` (TICKETING_ADDRESS): where people reach the site, for links in what goes out; empty: no links.
    - `mail` (TICKETING_SMTP_HOST, _PORT, _USER, _PASSWORD, _SECURITY, _FROM): the server that sends e-mail.
    - `webhook_hosts` (TICKETING_WEBHOOK_HOSTS): the only places group robots may be at.
    - `notices_kept_days` (TICKETING_NOTICES_KEPT_DAYS, at least 30): how long read notices and sent deliveries are kept.
    """

    database_url: str
    secret_key: str
    instance: Path = ROOT / "instance"
    files: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    threads: int = 8
    scheduler: bool = True
    demo: bool = False
    https: bool = False
    company: str = "房地产有限公司"
    property_company: str = "物业公司"
    address: str = ""
    mail: MailServer = field(default_factory=MailServer)
    webhook_hosts: tuple[webhook.Host, ...] = webhook.hosts(webhook.OFFICIAL_HOSTS)
    notices_kept_days: int = 180
    testing: bool = False
    templates: Path = field(default=ROOT / "templates")
    static: Path = field(default=ROOT / "static")

    @property
    def store(self) -> Store:
        """Where the bytes of pictures and papers lie; those of a demo need not survive a crash."""
        return LocalStore(self.files or self.instance / "files", durable=not self.demo)


def _flag(name: str, default: str = "") -> bool:
    return os.environ.get(name, default).lower() in {"1", "true", "yes", "on"}


def from_environment() -> Settings:
    """The settings of this process."""
    instance = Path(os.environ.get("TICKETING_INSTANCE", ROOT / "instance")).resolve()
    instance.mkdir(parents=True, exist_ok=True)
    return Settings(
        database_url=os.environ.get(
            "TICKETING_DATABASE_URL", f"sqlite:///{instance / 'ticketing.db'}"
        ),
        secret_key=os.environ.get("TICKETING_SECRET_KEY") or _kept_secret(instance / "secret_key"),
        instance=instance,
        files=Path(os.environ["TICKETING_FILES"]) if os.environ.get("TICKETING_FILES") else None,
        host=os.environ.get("TICKETING_HOST", "127.0.0.1"),
        port=int(os.environ.get("TICKETING_PORT", "8000")),
        processes=_processes(os.environ.get("TICKETING_PROCESSES", "")),
        threads=int(os.environ.get("TICKETING_THREADS", "8")),
        scheduler=_flag("TICKETING_SCHEDULER", default="1"),
        demo=_flag("TICKETING_DEMO"),
        https=_flag("TICKETING_HTTPS"),
        company=os.environ.get("TICKETING_COMPANY", "房地产有限公司"),
        property_company=os.environ.get("TICKETING_PROPERTY_COMPANY", "物业公司"),
        address=_site(os.environ.get("TICKETING_ADDRESS", "")),
        mail=_mail(),
        webhook_hosts=webhook.hosts(
            os.environ.get("TICKETING_WEBHOOK_HOSTS", webhook.OFFICIAL_HOSTS)
        ),
        notices_kept_days=_days(os.environ.get("TICKETING_NOTICES_KEPT_DAYS") or "180"),
    )


def _processes(given: str) -> int:
    """How many processes answer: two where there are two processors. Raises ValueError for more than one where none can be forked."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    if not given:
        return min(processors, 2)
    if int(given) < 1 or (int(given) > 1 and sys.platform != "linux"):
        raise ValueError("TICKETING_PROCESSES must be 1 or more; more than 1 on Linux only")
    return int(given)


def _days(given: str) -> int:
    """How long notices are kept. Raises ValueError below a month: what is told once must not be told again."""
    if int(given) < 30:
        raise ValueError("TICKETING_NOTICES_KEPT_DAYS must be 30 or more")
    return int(given)


def _mail() -> MailServer:
    """The mail server of the environment. Raises ValueError for a sender or a security nobody knows."""
    given = {name: os.environ.get(f"TICKETING_SMTP_{name}", "") for name in _SMTP}
    return MailServer(
        host=given["HOST"],
        port=int(given["PORT"] or 0),
        user=given["USER"],
        password=given["PASSWORD"],
        security=Security(given["SECURITY"].lower() or Security.STARTTLS.value),
        sender=given["FROM"],
    )


_SMTP = ("HOST", "PORT", "USER", "PASSWORD", "SECURITY", "FROM")


def _site(address: str) -> str:
    """The site's own address without its last slash. Raises ValueError when it is none."""
    if address and not address.startswith(("http://", "https://")):
        raise ValueError("TICKETING_ADDRESS must begin with http:// or https://")
    return address.rstrip("/")


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
