"""Typed text: what is let in, how it is compared, how it is masked, how it is split for search."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_PHONE_NOISE = re.compile(r"[\s\-()（）—]+")
_HAN = "\u3400-\u9fff\U00020000-\U0003ffff\uf900-\ufaff"
_MAILBOX = re.compile(r"[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_PATH = re.compile(r"[/\\／＼:：]")
_NOT_IN_NAMES = re.compile(r'[<>"|?*]')
_TOKEN = re.compile(rf"[{_HAN}]|[0-9a-z]+")


def clean(text: str | None) -> str:
    """Text as it may be stored: no control or invisible characters, unix line ends, trimmed."""
    if not text:
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = _INVISIBLE.sub("", _CONTROL.sub("", text))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def clean_line(text: str | None) -> str:
    """`clean` for a single line: line breaks and runs of blanks become one blank."""
    return _SPACES.sub(" ", clean(text).replace("\n", " ")).strip()


def file_name(typed: str | None, ending: str) -> str:
    """A file's name as it may be shown and saved: no folders, nothing invisible, the ending of its real kind.

    Cleaned before it is looked at, so that no invisible character hides a folder or an ending.
    """
    name = _NOT_IN_NAMES.sub("_", _PATH.split(clean_line(typed))[-1]).strip(". ")
    stem = name.rpartition(".")[0] or name
    return f"{stem.strip('. ')[:80] or '未命名'}{ending}"


def fold(text: str) -> str:
    """Text for comparison: full-width forms narrowed (NFKC), lower case."""
    return unicodedata.normalize("NFKC", text).lower()


_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d*)?")


def without_commas(number: str) -> str:
    """A typed number without commas between its thousands; a comma that stands elsewhere (``12,50``) stays, so it is refused."""
    return number.replace(",", "") if _THOUSANDS.fullmatch(number) else number


def phone_digits(text: str) -> str:
    """A phone number without blanks, hyphens and brackets, narrowed: ``+86`` is dropped."""
    digits = _PHONE_NOISE.sub("", fold(text))
    return digits.removeprefix("+86").removeprefix("0086")


def looks_like_phone(text: str) -> bool:
    """Whether `text` can be dialled: 5 to 20 digits, an optional leading + and extension."""
    return re.fullmatch(r"\+?\d{5,20}(?:[转x*#]\d{1,6})?", phone_digits(text)) is not None


def looks_like_mailbox(text: str) -> bool:
    """Whether `text` is one plain e-mail address: nothing that could be read as two, or as a header."""
    return len(text) <= 254 and _MAILBOX.fullmatch(text) is not None


def masked_phone(number: str) -> str:
    """A phone number for people who need not dial it: ``138****5678``."""
    if len(number) >= 8:
        return f"{number[:3]}****{number[-4:]}"
    return "*" * len(number)


def spaced(text: str) -> str:
    """Text for a full-text index: a blank around each Han character, other words kept whole.

    Both engines then find one- and two-character Chinese words by a phrase query.
    """
    return " ".join(_TOKEN.findall(fold(text)))


def search_terms(query: str) -> list[str]:
    """The blank-separated words of a query, each `spaced`; empty ones are dropped."""
    return [term for word in fold(query).split() if (term := spaced(word))]


def plain_number(typed: str, sign: str) -> str:
    """A number as people type it, narrowed, without commas between thousands and without its sign (``¥``, ``元``, ``%``)."""
    text = fold(clean_line(typed))
    return without_commas(text.replace("。", ".").replace(" ", "").strip(sign))


def milli_in(typed: str) -> int | None:
    """A typed quantity or price of at most three decimals in thousandths, None where nothing stands. Raises ValueError."""
    number = plain_number(typed, "¥元")
    if not number:
        return None
    found = re.fullmatch(r"([0-9]{1,7})(?:\.([0-9]{1,3})0*)?", number)
    if found is None:
        raise ValueError(typed)
    return int(found[1]) * 1_000 + int((found[2] or "0").ljust(3, "0"))


def show_milli(milli: int) -> str:
    """A number in thousandths as people write it: ``12.5``."""
    whole, rest = divmod(milli, 1_000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def show_fen(fen: int) -> str:
    """An amount of fen in yuan to the fen: ``12,345.60``, below zero with its sign."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02d}"


def row_id(text: str) -> int:
    """A row id typed into an address or a form. Raises ValueError for what no row can have."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def one_line(text: str, limit: int) -> str:
    """The first `limit` characters of `text` on one line, with an ellipsis where it was cut."""
    line = clean_line(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
