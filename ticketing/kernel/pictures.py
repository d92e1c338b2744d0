"""Uploaded pictures and papers, made harmless: judged by their content, decoded within limits, encoded anew.

What is stored of a picture was written by us: no metadata, no second file hidden behind the first, no
more pixels than a page needs. Only the capture time is read from it and handed on
(docs/decisions/0012-pictures-are-re-encoded.md).
"""

import hashlib
import io
import threading
from datetime import datetime, timedelta
from typing import NamedTuple

from PIL import Image

from ticketing.kernel import clock
from ticketing.kernel.errors import Invalid

MOST_BYTES = 12 * 1024 * 1024
MOST_PIXELS = 40_000_000
MOST_WEBP_PIXELS = 20_000_000
"""Its decoder holds every pixel three times: 40 million of them took 600 MB."""
LONGEST_SIDE = 2560
SMALL_SIDE = 320
JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
ENDINGS = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}

_KNOWN = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "WEBP": b"RIFF"}
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
_EXIF, _TAKEN, _OFFSET, _WRITTEN, _TURNED = 0x8769, 0x9003, 0x9011, 0x0132, 0x0112
_EARLIEST_YEAR = 2000

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
_AT_ONCE = threading.BoundedSemaphore(2)
"""How many pictures are decoded at a time: one can take 450 MB for two seconds."""


class Filed(NamedTuple):
    """A file as it is stored: its bytes, its kind, and for a picture its size in pixels and its thumbnail.

    `taken_at` is what the camera noted. `blank` says that every pixel has the same colour.
    """

    data: bytes
    kind: str
    width: int | None = None
    height: int | None = None
    small: bytes = b""
    taken_at: datetime | None = None
    blank: bool = False

    @property
    def sha256(self) -> str:
        """The hash of the stored bytes."""
        return hashlib.sha256(self.data).hexdigest()


def made(data: bytes, *, papers: bool = False, drawing: bool = False) -> Filed:
    """What is stored of an upload.

    `papers` lets a PDF in, which is stored as it is; `drawing` keeps a PNG a PNG.

    Raises Invalid, with its sentence at the field `file`.
    """
    if not data:
        raise _refusal("文件是空的，请重新选择。")
    if len(data) > MOST_BYTES:
        raise _refusal(f"文件太大，最多 {MOST_BYTES // 1024 // 1024} MB。")
    if data.startswith(b"%PDF-"):
        return _paper(data, papers)
    if not any(data.startswith(start) for start in _KNOWN.values()):
        raise _refusal(f"这不是照片，请上传 JPG、PNG 或 WebP 照片{'，或 PDF' if papers else ''}。")
    with _AT_ONCE:
        return _picture(data, drawing)


def _refusal(sentence: str) -> Invalid:
    return Invalid(sentence, field="file")


def _paper(data: bytes, papers: bool) -> Filed:
    if not papers:
        raise _refusal("这里只收照片，不收 PDF。")
    if b"%%EOF" not in data[-2048:]:
        raise _refusal("PDF 不完整，请重新上传。")
    return Filed(data, PDF)


def _picture(data: bytes, drawing: bool) -> Filed:
    """Decode within the limits, turn upright, shrink, encode anew."""
    try:
        image = Image.open(io.BytesIO(data), formats=tuple(_KNOWN))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(MOST_PIXELS) from None
    except Exception:
        # A decoder may stumble over hostile bytes in any way; none of them is a picture.
        raise _refusal("照片无法识别，可能已经损坏，请重新拍照。") from None
    with image:
        most = MOST_WEBP_PIXELS if image.format == "WEBP" else MOST_PIXELS
        if image.width * image.height > most:
            raise _too_large(most)
        if image.format != "JPEG" and getattr(image, "is_animated", False):
            raise _refusal("不收动图，请上传照片。")
        if image.mode not in _MODES:
            raise _refusal("不支持这种图片格式，请用手机拍照后上传。")
        keep_png = drawing and image.format == "PNG"
        turned, taken_at = _noted(image)
        try:
            plain = _plain(image, turned)
        except Exception:
            raise _refusal("照片不完整或已经损坏，请重新上传。") from None
    return Filed(
        data=_encoded(plain, PNG if keep_png else JPEG),
        kind=PNG if keep_png else JPEG,
        width=plain.width,
        height=plain.height,
        small=_encoded(_shrunk(plain, SMALL_SIDE), JPEG, quality=75),
        taken_at=taken_at,
        blank=plain.getcolors(maxcolors=1) is not None,
    )


def _too_large(most: int) -> Invalid:
    return _refusal(f"照片的像素太多，最多 {most // 10_000} 万像素。")


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the way the camera says it was held."""


def _plain(image: Image.Image, turned: int) -> Image.Image:
    """The picture upright on white, at most `LONGEST_SIDE` wide and high, with nothing but its pixels."""
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    shrunk = _shrunk(image, LONGEST_SIDE)
    if shrunk.mode in ("LA", "P", "PA", "RGBA"):
        shrunk = shrunk.convert("RGBA")
        plain = Image.new("RGB", shrunk.size, "white")
        plain.paste(shrunk, mask=shrunk.getchannel("A"))
    else:
        plain = Image.new("RGB", shrunk.size)
        plain.paste(shrunk.convert("RGB"))
    return plain.transpose(_TURNS[turned]) if turned in _TURNS else plain


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """The picture with neither side longer than `side`; palettes become colours first."""
    image.load()
    if max(image.size) <= side:
        return image
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA")
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encoded(image: Image.Image, kind: str, quality: int = 85) -> bytes:
    stream = io.BytesIO()
    if kind == PNG:
        image.save(stream, "PNG", optimize=True)
    else:
        image.save(stream, "JPEG", quality=quality, optimize=True, progressive=True)
    return stream.getvalue()


def _noted(image: Image.Image) -> tuple[int, datetime | None]:
    """How the camera was held, and when it says the picture was taken; nothing where its notes are damaged."""
    try:
        exif = image.getexif()
        inner = exif.get_ifd(_EXIF)
        wall = str(inner.get(_TAKEN) or exif.get(_WRITTEN) or "").strip("\x00 ")
        offset = str(inner.get(_OFFSET) or "").strip("\x00 ")
        turned = exif.get(_TURNED, 1)
    except Exception:
        return 1, None
    return turned, plausible(_instant(wall, offset))


def _instant(wall: str, offset: str) -> datetime | None:
    """The instant of a camera's wall time; without a zone it is Shanghai's."""
    try:
        found = datetime.strptime(wall, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        zone = datetime.strptime(offset, "%z").tzinfo if offset else clock.SHANGHAI
    except ValueError:
        return None
    return found.replace(tzinfo=zone)


def plausible(taken_at: datetime | None) -> datetime | None:
    """A capture time as it may be kept: none from before there were such cameras, none from after tomorrow."""
    if taken_at is None or taken_at.year < _EARLIEST_YEAR:
        return None
    return taken_at if taken_at <= clock.now() + timedelta(days=1) else None
