"""Whether a page is sound: nothing that axe-core calls serious, and no sideways scrolling, on a desk and on a phone."""

from collections.abc import Iterator
from itertools import cycle

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import SIZES

SERIOUS = ("serious", "critical")
AXE = Axe().axe_script
RUN = """serious => axe.run({ resultTypes: ["violations"] }).then((found) => found.violations
  .filter((one) => serious.includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join("; ")}`))"""
SCHEMES = cycle((("light", "dark"), ("dark", "light")))


def views(page: Page) -> Iterator[str]:
    """A desk, then a phone: in light at one of them, in dark at the other, by turns from page to page.

    The page must be loaded in the view: it chooses its colours, and which tables scroll, while it loads.
    """
    for (name, (width, height)), scheme in zip(SIZES.items(), next(SCHEMES), strict=True):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        yield f"{name}, {scheme}"


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands."""
    found = []
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if sideways > 0:
        found.append(f"{sideways} px too wide")
    page.evaluate(AXE)
    return found + list(page.evaluate(RUN, SERIOUS))


def faults_at(page: Page, address: str) -> list[str]:
    """What is wrong with the page of an address, each with the view it was seen in."""
    found = []
    for view in views(page):
        page.goto(address)
        found += [f"{address} ({view}): {fault}" for fault in faults(page)]
    return found
