"""Pictures of every page of a demo database, light and dark, at 1440 and 390 px: `make screenshots`.

Writes build/screenshots/*.png and renews docs/images/worklist.png, the picture in the README.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "screenshots"
SIZES = ((1440, 900), (390, 844))
TICKET = "table.tickets tbody a"
PAGES = {
    "clerk": (
        ("worklist", "/tickets/"),
        ("board", "/board/"),
        ("search", "/tickets/?q=漏水"),
        ("ended", "/tickets/?all=1"),
        ("intake", "/intake?unit=1&customer=1"),
        ("dispatch", "/tickets/?stage=registered", TICKET, "/dispatch"),
        ("callback", "/tickets/?stage=callback", TICKET, "/call-back"),
        ("ticket", "/tickets/?stage=handling", TICKET),
        ("repair", "/tickets/?stage=repairing", TICKET),
        ("paper", "/tickets/?stage=handling", TICKET, "/print"),
        ("communities", "/estate/"),
        ("contractors", "/contractors/"),
        ("warranty", "/contractors/warranty"),
        ("unit", "/estate/units/1"),
        ("customer", "/estate/customers/1"),
        ("import", "/estate/imports/"),
        ("reports", "/reports/"),
        ("account", "/account"),
        ("notices", "/notices/"),
        ("notice-choices", "/notices/choices"),
    ),
    "captain": (
        ("my-orders", "/my-orders"),
        ("my-order", "/my-orders", ".job-open"),
        ("surveys", "/surveys/"),
    ),
    "admin": (
        ("people", "/people/"),
        ("person", "/people/1"),
        ("audit", "/audit/"),
        ("outlets", "/notices/outlets/"),
        ("calendar", "/calendar/"),
        ("calendar-adopt", "/calendar/adopt"),
        ("jobs", "/jobs/"),
        ("parameters", "/parameters/"),
        ("parameters-propose", "/parameters/propose"),
    ),
    "manager": (
        ("plan", "/plan/"),
        ("survey-list", "/surveys/"),
        ("survey", "/surveys/", ".job-open"),
        ("orders", "/orders/"),
        ("order", "/orders/?pile=checking", TICKET),
        ("order-paper", "/orders/1/print"),
        ("survey-paper", "/surveys/1/print"),
        ("print-orders", "/orders/print/choose"),
        ("print-surveys", "/surveys/print/choose"),
        ("price-list", "/contractors/contracts/2/prices/"),
        ("price-version", "/contractors/contracts/2/prices/", ".versions a"),
        ("price-import", "/contractors/contracts/2/prices/import"),
    ),
    "chief": (("deputies", "/deputies/"),),
    "auditor": (
        ("settlements", "/settlements/?all=1"),
        ("settlement", "/settlements/?all=1", TICKET),
        ("settlement-paper", "/settlements/?all=1", TICKET, "/print"),
    ),
    "finance": (
        ("finance", "/finance/"),
        ("to-pay", "/finance/payments/waiting"),
        ("payments", "/finance/payments/"),
        ("payment", "/finance/payments/1"),
        ("ledger", "/finance/ledger/"),
        ("accounts", "/finance/ledger/accounts"),
        ("closings", "/finance/ledger/closings"),
        ("retention", "/finance/retention/1"),
        ("statements", "/finance/statements"),
        ("vouchers", "/finance/vouchers"),
        ("deductions", "/finance/deductions"),
        ("year-end", "/finance/year-end"),
        ("bank", "/finance/bank/"),
        ("imprest", "/imprest/"),
        ("fund", "/imprest/1"),
    ),
    "gm": (
        ("major", "/major/"),
        ("major-ticket", "/tickets/?grade=major&stage=handling", TICKET),
    ),
}


def main() -> None:
    """Load a demo database in a temporary folder, serve it, and take the pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {
            **os.environ,
            "TICKETING_INSTANCE": folder,
            "TICKETING_PORT": str(port),
            "TICKETING_DEMO": "1",
            "FLASK_APP": "wsgi",
        }
        for command in (("db", "upgrade"), ("demo", "load")):
            subprocess.run(
                [sys.executable, "-m", "flask", *command], cwd=ROOT, env=environment, check=True
            )
        server = subprocess.Popen([sys.executable, "wsgi.py"], cwd=ROOT, env=environment)
        try:
            _wait(port)
            _picture(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(20)
    target = ROOT / "docs" / "images" / "worklist.png"
    target.parent.mkdir(exist_ok=True)
    shutil.copy(OUT / "worklist-1440-light.png", target)
    sys.stdout.write(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(ROOT)}\n")


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=2).read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _picture(address: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--lang=zh-CN"]
        )
        for username in PAGES:
            for size in SIZES:
                for scheme in ("light", "dark"):
                    _round(browser, address, username, size, scheme)
        browser.close()


def _round(
    browser: Browser, address: str, username: str, size: tuple[int, int], scheme: str
) -> None:
    context = browser.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        color_scheme=scheme,
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.screenshot(path=OUT / f"sign-in-{size[0]}-{scheme}.png")
    page.locator(f'[data-demo="{username}"]').click()
    page.wait_for_load_state()
    for name, path, *more in PAGES[username]:
        page.goto(path)
        if more:
            first = page.locator(more[0]).first
            page.goto(f"{first.get_attribute('href')}{''.join(more[1:])}")
        page.screenshot(path=OUT / f"{name}-{size[0]}-{scheme}.png")
    context.close()


if __name__ == "__main__":
    main()
