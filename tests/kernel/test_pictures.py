"""Uploaded pictures are judged by their content, decoded within limits, and stored as we write them."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from tests.support import pictures as some
from ticketing.kernel import clock, pictures
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import file_name


def opened(data):
    return Image.open(io.BytesIO(data))


def close_to(pixel, colour):
    return all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))


BLUE, RED, WHITE = (20, 40, 200), (200, 30, 20), (255, 255, 255)

HOSTILE = {
    "nothing": b"",
    "an SVG": some.SVG,
    "a page": some.HTML,
    "a GIF": some.GIF,
    "a text": "只是文字".encode(),
    "the start of a JPEG": b"\xff\xd8\xff\xe0" + b"\x00" * 200,
    "a picture cut off": some.jpeg()[:2000],
    "a PNG cut off": some.png()[:-40],
    "a WebP cut off": some.webp()[:40],
    "RIFF that is a sound": b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 30,
    "a moving PNG": some.moving_png(),
    "a moving WebP": some.webp(frames=3),
    "16 bits of grey": some.deep_png(),
    "a PDF where photos belong": some.pdf(),
    "more pixels than fit": some.huge_png(6400),
    "a WebP of 21 million pixels": some.webp(7000, 3000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_picture_is_refused_with_a_sentence(what):
    with pytest.raises(Invalid) as refusal:
        pictures.made(HOSTILE[what])
    assert refusal.value.field == "file"
    assert refusal.value.message.endswith("。")


def test_forty_thousand_pixels_square_are_refused_before_they_are_decoded():
    data = some.huge_png()
    assert len(data) < 400_000
    watch = clock.stopwatch()
    with pytest.raises(Invalid, match="像素太多"):
        pictures.made(data)
    assert clock.stopwatch() - watch < 1


def test_a_file_over_the_limit_is_refused():
    with pytest.raises(Invalid, match="12 MB"):
        pictures.made(some.jpeg() + b"\x00" * pictures.MOST_BYTES)


def test_what_a_camera_notes_is_gone_but_the_time():
    data = some.jpeg(taken=some.WHEN, place=True, comment=some.HTML)
    assert b"PhoneMaker" in data
    assert opened(data).getexif().get_ifd(0x8825)
    filed = pictures.made(data)
    assert filed.taken_at == datetime(2025, 11, 20, 1, 5, tzinfo=UTC)
    for stored in (filed.data, filed.small):
        assert b"PhoneMaker" not in stored
        assert b"script" not in stored
        assert b"Exif" not in stored
        assert not opened(stored).getexif()
        assert set(opened(stored).info) <= {
            "jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("taken", "offset", "instant"),
    [
        (some.WHEN, "+09:00", datetime(2025, 11, 20, 0, 5, tzinfo=UTC)),
        (some.WHEN, "nonsense", None),
        ("0000:00:00 00:00:00", "", None),
        ("yesterday", "", None),
        ("1985:01:01 00:00:00", "", None),
        ("2399:01:01 00:00:00", "", None),
        ("", "", None),
    ],
)
def test_the_capture_time_is_kept_when_it_can_be_one(taken, offset, instant):
    with clock.held(datetime(2025, 11, 23, 2, tzinfo=UTC)):
        assert pictures.made(some.jpeg(taken=taken, offset=offset)).taken_at == instant


def test_a_clock_a_little_fast_is_believed_and_one_of_next_week_is_not():
    with clock.held(datetime(2025, 11, 23, 2, tzinfo=UTC)):
        at = clock.now()
        assert pictures.plausible(at + timedelta(hours=20)) == at + timedelta(hours=20)
        assert pictures.plausible(at + timedelta(days=7)) is None
        assert pictures.plausible(None) is None


def test_a_damaged_note_of_the_camera_does_not_cost_the_picture():
    data = some.jpeg(taken=some.WHEN)
    start = data.index(b"Exif\x00\x00") + 6
    broken = data[:start] + b"\xff" * 30 + data[start + 30 :]
    filed = pictures.made(broken)
    assert (filed.width, filed.height, filed.taken_at) == (640, 480, None)


CORNERS = {1: (BLUE, RED), 2: (RED, BLUE), 3: (RED, BLUE), 4: (BLUE, RED)}


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_picture_held_any_way_is_stored_upright(turned):
    filed = pictures.made(some.jpeg(64, 48, turned=turned))
    image = opened(filed.data)
    if turned < 5:
        assert (filed.width, filed.height) == image.size == (64, 48)
        left, right = CORNERS[turned]
        assert close_to(image.getpixel((5, 24)), left)
        assert close_to(image.getpixel((58, 24)), right)
    else:
        assert (filed.width, filed.height) == image.size == (48, 64)
        top, bottom = image.getpixel((24, 5)), image.getpixel((24, 58))
        assert close_to(top, BLUE if turned in (5, 6) else RED)
        assert close_to(bottom, RED if turned in (5, 6) else BLUE)


def test_a_large_photo_is_shrunk_and_has_a_thumbnail():
    filed = pictures.made(some.jpeg(4000, 3000))
    assert (filed.width, filed.height) == opened(filed.data).size == (2560, 1920)
    assert opened(filed.small).size == (320, 240)
    thin = pictures.made(some.png(9000, 2, mode="RGB"))
    assert (thin.width, thin.height) == (2560, 1)


def test_a_small_picture_is_not_made_larger():
    filed = pictures.made(some.jpeg(30, 20))
    assert (filed.width, filed.height) == (30, 20)
    assert opened(filed.small).size == (30, 20)


def test_a_png_becomes_a_jpeg_on_white_unless_it_is_a_drawing():
    photo, drawing = pictures.made(some.png()), pictures.made(some.png(), drawing=True)
    assert (photo.kind, opened(photo.data).format) == (pictures.JPEG, "JPEG")
    assert (drawing.kind, opened(drawing.data).format) == (pictures.PNG, "PNG")
    assert opened(drawing.data).mode == "RGB"
    assert opened(drawing.data).getpixel((2, 2)) == WHITE
    assert pictures.made(some.jpeg(), drawing=True).kind == pictures.JPEG


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_usual_kind_of_png_is_read(mode):
    filed = pictures.made(some.png(3000, 40, mode=mode))
    assert (filed.width, filed.height) == (2560, 34)


def test_a_web_picture_is_stored_as_a_jpeg():
    assert opened(pictures.made(some.webp()).data).format == "JPEG"


def test_a_printers_jpeg_is_stored_in_screen_colours():
    stream = io.BytesIO()
    Image.new("CMYK", (40, 40), (0, 0, 0, 0)).save(stream, "JPEG")
    image = opened(pictures.made(stream.getvalue()).data)
    assert image.mode == "RGB"
    assert close_to(image.getpixel((5, 5)), WHITE)


def test_a_blank_drawing_says_so():
    assert pictures.made(some.png(ink=False), drawing=True).blank
    assert not pictures.made(some.png(), drawing=True).blank


@pytest.mark.parametrize("drawing", [False, True])
def test_nothing_that_was_hidden_in_a_picture_comes_through(drawing):
    data = some.png_with_html()
    assert data.count(b"<script>") == 2
    filed = pictures.made(data, drawing=drawing)
    assert b"script" not in filed.data
    assert b"script" not in filed.small
    beside = pictures.made(some.jpeg() + b"PK\x03\x04" + some.HTML)
    assert b"script" not in beside.data


def test_a_pdf_is_kept_as_it_is_where_papers_belong():
    filed = pictures.made(some.pdf(), papers=True)
    assert (filed.data, filed.kind, filed.width, filed.small) == (
        some.pdf(),
        pictures.PDF,
        None,
        b"",
    )
    with pytest.raises(Invalid, match="不完整"):
        pictures.made(some.pdf()[:-8], papers=True)


NAMES = {
    "../../etc/passwd": "passwd.jpg",
    "C:\\fakepath\\照片 1.HEIC": "照片 1.jpg",
    "evil.php\u200b.jpg": "evil.php.jpg",
    ".\u200b./.\u200b./x.jpg": "x.jpg",
    "\u202egpj.exe": "gpj.jpg",
    "..": "未命名.jpg",
    "": "未命名.jpg",
    "\x00\x01": "未命名.jpg",
    "a\r\nSet-Cookie: x.jpg": "x.jpg",
    '<img src="x">.png': "_img src=_x__.jpg",
    "长" * 300 + ".jpg": "长" * 80 + ".jpg",
    ".htaccess": "htaccess.jpg",
    "／根／照片.png": "照片.jpg",
}


@pytest.mark.parametrize("typed", NAMES)
def test_a_name_is_cleaned_before_it_is_looked_at(typed):
    assert file_name(typed, ".jpg") == NAMES[typed]
