"""Pictures for tests: honest ones, and what people try to pass off as pictures."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

WHEN = "2025:11:20 09:05:00"
HTML = b"<html><script>alert(1)</script></html>"


def jpeg(
    width: int = 640,
    height: int = 480,
    *,
    taken: str = "",
    offset: str = "",
    turned: int = 1,
    place: bool = False,
    **more: Any,
) -> bytes:
    """A photo, blue on its left half and red on its right, with what a camera notes in it."""
    image = Image.new("RGB", (width, height), (20, 40, 200))
    image.paste((200, 30, 20), (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[0x0112] = turned
    exif[0x010F] = "PhoneMaker"
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if offset:
        exif.get_ifd(0x8769)[0x9011] = offset
    if place:
        exif.get_ifd(0x8825)[1] = "N"
        exif.get_ifd(0x8825)[2] = (26.0, 4.0, 30.0)
    return _saved(image, "JPEG", exif=exif.tobytes(), **more)


def png(width: int = 300, height: int = 120, *, ink: bool = True, mode: str = "RGBA") -> bytes:
    """A signature: a dark stroke on nothing."""
    image = Image.new("RGBA", (width, height))
    if ink:
        image.paste("black", (20, 5, width - 20, 11))
    return _saved(image.convert(mode), "PNG")


def webp(width: int = 200, height: int = 100, frames: int = 1) -> bytes:
    """A WebP picture, or a moving one."""
    shades = [Image.new("RGB", (width, height), (40 * n, 90, 90)) for n in range(frames)]
    more = {"save_all": True, "append_images": shades[1:]} if frames > 1 else {}
    return _saved(shades[0], "WEBP", **more)


def moving_png() -> bytes:
    """An animated PNG."""
    shades = [Image.new("RGB", (60, 60), (80 * n, 0, 0)) for n in range(3)]
    return _saved(shades[0], "PNG", save_all=True, append_images=shades[1:])


def deep_png() -> bytes:
    """A PNG of 16 bits of grey, as scanners of another trade make them."""
    return _saved(Image.new("I;16", (40, 40)), "PNG")


def huge_png(side: int = 40_000) -> bytes:
    """`side` × `side` pixels in a small file: one colour, one bit a pixel, whole and valid."""
    packer = zlib.compressobj(9)
    row = b"\x00" * (1 + (side + 7) // 8)
    body = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = (("IHDR", header), ("IDAT", body), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name.encode(), data) for name, data in parts)


def png_with_html() -> bytes:
    """A PNG that holds a page in its text, and another one behind its end."""
    whole = png(mode="RGB")
    cut = whole.index(b"IDAT") - 4
    return whole[:cut] + _chunk(b"tEXt", b"Comment\x00" + HTML) + whole[cut:] + HTML


def pdf() -> bytes:
    """A small PDF."""
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def stream(data: bytes) -> io.BytesIO:
    """Bytes as a client uploads them."""
    return io.BytesIO(data)
