"""Pictures for the demo, drawn here: a wall with a stain, the same wall mended, a signature. Nothing real is in them."""

import io
import random
from functools import cache

from PIL import Image, ImageDraw

from ticketing.casefile.attachments.commands import file_picture
from ticketing.casefile.attachments.models import PaperKind
from ticketing.kernel.pictures import Filed, made
from ticketing.kernel.storage import Store
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.repairs import Slot
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders.models import WorkOrder

SIZE = (480, 360)
VARIANTS = 4
DRAWN = (Slot.SIGNATURE,)


def photo(
    rng: random.Random,
    slot: Slot,
    actor: User,
    store: Store,
    *,
    survey: SiteSurvey | None = None,
    order: WorkOrder | None = None,
    anew: int = 0,
) -> str:
    """File a picture for a survey or an order; its key. `anew` counts how often the work was done again: it looks different."""
    paper, kind = (survey, PaperKind.SURVEY) if survey is not None else (order, PaperKind.ORDER)
    assert paper is not None  # one of the two
    return file_picture(
        scope_of(actor),
        kind,
        paper.id,
        slot=slot,
        filed=_filed(slot, rng.randrange(VARIANTS) + VARIANTS * anew),
        name=f"{slot.label}.png" if slot in DRAWN else f"{slot.label}.jpg",
        once=f"{rng.getrandbits(64):016x}",
        store=store,
        actor=actor,
    ).key


@cache
def _filed(slot: Slot, variant: int) -> Filed:
    """One of a few pictures of a kind, as the product would store it."""
    stream = io.BytesIO()
    _picture(slot, random.Random(f"{slot.value}-{variant}")).save(stream, "PNG")
    return made(stream.getvalue(), drawing=slot in DRAWN)


def _picture(slot: Slot, rng: random.Random) -> Image.Image:
    if slot in DRAWN:
        return _signature(rng)
    wall = Image.new("RGB", SIZE, (226, 222, 212))
    pen = ImageDraw.Draw(wall)
    for height in range(0, SIZE[1], 60):
        pen.line((0, height, SIZE[0], height), fill=(206, 201, 190), width=1)
    x, y = rng.randrange(120, 320), rng.randrange(90, 240)
    if slot is Slot.AFTER:
        pen.rectangle((x - 70, y - 50, x + 70, y + 50), fill=(236, 233, 226))
        return wall
    for ring in range(5):
        size, shade = 70 - 12 * ring, 190 - 18 * ring
        pen.ellipse(
            (x - size, y - size // 2, x + size, y + size // 2), fill=(shade, shade - 14, 120)
        )
    pen.line(
        [(x + 9 * n, y + rng.randrange(-30, 30)) for n in range(-8, 9)], fill=(70, 60, 50), width=2
    )
    return wall


def _signature(rng: random.Random) -> Image.Image:
    paper = Image.new("RGB", (420, 160), "white")
    pen, x = ImageDraw.Draw(paper), 40
    while x < 360:
        points = [(x + rng.randrange(0, 60), 80 + rng.randrange(-45, 45)) for _ in range(5)]
        pen.line(points, fill=(20, 20, 60), width=4, joint="curve")
        x += rng.randrange(70, 110)
    return paper
