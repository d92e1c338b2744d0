"""Amounts of money in capitals 大写, as the 维修工程结算书 ends with them (procedure 5.4)."""

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿")

MOST_FEN = 999_999_999_999
"""The largest amount a paper may carry: 9,999,999,999.99 元."""


def amount_in_words(fen: int) -> str:
    """The amount of `fen` in capitals: ``人民币贰仟肆佰陆拾陆元陆角捌分``; 整 only where it ends with whole yuan.

    Raises ValueError below zero and above `MOST_FEN`.
    """
    if not 0 <= fen <= MOST_FEN:
        raise ValueError(f"no capitals for {fen} fen")
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    words = f"{_whole(yuan)}元" if yuan else ""
    if not rest:
        return f"人民币{words or '零元'}整"
    if jiao:
        words += f"{DIGITS[jiao]}角"
    elif yuan:
        words += "零"
    if cents:
        words += f"{DIGITS[cents]}分"
    return f"人民币{words}"


def _whole(number: int) -> str:
    """A whole number above zero: groups of four digits, one 零 for any gap between two spoken digits."""
    words, gap = "", False
    for power in range(len(GROUPS) - 1, -1, -1):
        group = number // 10_000**power % 10_000
        if not group:
            gap = bool(words)
            continue
        if words and (gap or group < 1_000):
            words += "零"
        words += _group(group) + GROUPS[power]
        gap = False
    return words


def _group(number: int) -> str:
    """Four digits without leading zeros: ``壹佰零伍``."""
    words, gap = "", False
    for place in range(3, -1, -1):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + DIGITS[digit] + PLACES[place]
        gap = False
    return words
