"""What a complaint is probably about, and whose it probably is: proposals a person confirms (3.4.2).

Plain word lists, longest match counts most; no proposal where nothing matches. The department codes
are the house's own and a missing one simply yields no proposal.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ticketing.procedure.vocabulary import Category, Mark


class Suspicion(NamedTuple):
    """A mark the text may call for, and the word that says so: 文中提到“律师函”，请核对。"""

    mark: Mark
    word: str


CATEGORY_WORDS: dict[Category, tuple[str, ...]] = {
    Category.ENGINEERING: (
        "漏水",
        "渗水",
        "渗漏",
        "返潮",
        "裂缝",
        "开裂",
        "空鼓",
        "脱落",
        "起砂",
        "堵塞",
        "跳闸",
        "漏电",
        "断电",
        "门窗",
        "推拉门",
        "玻璃",
        "门锁",
        "墙面",
        "墙砖",
        "地板",
        "瓷砖",
        "水管",
        "龙头",
        "插座",
        "开关",
        "电梯",
        "对讲",
        "外墙",
        "屋面",
        "变形",
        "防水",
    ),
    Category.DESIGN: ("设计", "户型", "规划", "采光", "遮挡", "楼间距", "布局"),
    Category.SALES: (
        "销售",
        "承诺",
        "合同",
        "违约",
        "定金",
        "退房",
        "赠送",
        "样板房",
        "宣传",
        "房产证",
        "产权证",
        "不动产证",
        "办证",
        "延期交房",
    ),
    Category.FINANCE: ("发票", "收据", "收款", "退款", "账单", "首付", "多收", "票据"),
    Category.PROPERTY: (
        "物业",
        "物业费",
        "保洁",
        "卫生",
        "垃圾",
        "停车费",
        "管家",
        "业委会",
        "装修管理",
    ),
    Category.FACILITY: (
        "绿化",
        "草坪",
        "树木",
        "景观",
        "路灯",
        "道闸",
        "健身",
        "儿童乐园",
        "会所",
        "车位",
        "充电桩",
        "噪音",
        "噪声",
        "油烟",
        "配套",
        "泳池",
    ),
    Category.SERVICE: ("维修人员", "维修师傅", "返修", "态度", "没人来", "爽约", "维修不"),
    Category.SECURITY: ("保安", "门岗", "巡逻", "盗窃", "被盗", "陌生人"),
}

PHENOMENA: dict[str, tuple[str, ...]] = {
    "leak": ("漏水", "渗水", "渗漏", "返潮", "滴水", "漏雨", "渗雨", "水渍", "水印"),
    "crack": ("裂缝", "开裂", "裂纹"),
    "hollow": ("空鼓",),
    "falling": ("脱落", "掉落", "剥落", "掉瓷砖"),
    "sanding": ("起砂", "起皮", "起灰"),
    "blockage": ("堵塞", "堵了", "反水", "倒灌", "返水"),
    "electric": ("跳闸", "漏电", "断电", "短路"),
    "cut_off": ("停水", "停电", "没水", "没电"),
    "lift": ("电梯",),
    "warping": ("变形", "翘曲", "翘起", "下沉", "起拱"),
    "fittings": ("门锁", "五金", "合页", "把手", "关不严"),
    "smell": ("异味", "臭味", "反味", "返味"),
    "noise": ("噪音", "噪声", "异响"),
    "signal": ("没信号", "无信号", "对讲"),
}
"""Words of one and the same trouble: 漏水 and 渗水 are one cause. Until a defect names part and phenomenon."""

DEPARTMENT_OF: dict[Category, str] = {
    Category.ENGINEERING: "ENG",
    Category.DESIGN: "DES",
    Category.SALES: "SAL",
    Category.FINANCE: "FIN",
    Category.PROPERTY: "PM",
    Category.FACILITY: "PM",
    Category.SERVICE: "CS",
    Category.SECURITY: "PM",
    Category.OTHER: "CS",
}
"""The department code each category usually belongs to."""


def likely_category(text: str) -> Category | None:
    """The category whose words occur most in `text`; None when none does."""
    scores = {
        category: sum(len(word) * text.count(word) for word in words)
        for category, words in CATEGORY_WORDS.items()
    }
    best = max(scores, key=lambda category: scores[category])
    return best if scores[best] else None


def cause_of(category: Category | None, text: str) -> str | None:
    """What tickets of the same trouble share: category and phenomenon; None where no word tells.

    The phenomenon named first wins: what a customer says first is what he calls about.
    """
    if category is None:
        return None
    places = {
        name: min(found)
        for name, words in PHENOMENA.items()
        if (found := [at for word in words if (at := text.find(word)) >= 0])
    }
    if not places:
        return None
    return f"{category.value}:{min(places, key=lambda name: places[name])}"


RISK_WORDS: dict[Mark, tuple[str, ...]] = {
    Mark.SAFETY: (
        "触电", "漏电", "燃气", "煤气", "坍塌", "坠落", "砸伤", "砸到", "受伤", "起火", "着火", "困人", "被困", "晕倒", "跳楼",
        "自杀", "同归于尽", "报复", "打砸",
    ),
    Mark.LEGAL: ("律师函", "律师", "起诉", "诉讼", "法院", "仲裁", "取证"),
    Mark.MEDIA: (
        "曝光", "记者", "电视台", "报社", "抖音", "微博", "小红书", "热搜", "自媒体", "12345", "12315", "住建局", "房管局",
        "质监站", "信访", "市长热线", "消协", "纪委", "上访",
    ),
    Mark.STRUCTURE: ("裂缝变大", "倾斜", "承重墙", "结构安全", "主体结构", "沉降", "露筋"),
}  # fmt: skip
"""Words that ask a person to look; they never set a mark by themselves (procedure 3.7.4)."""

NEGATIONS = ("没有", "没", "未", "无", "不会", "不", "并未")


def suspected(text: str, known: Iterable[Mark] = ()) -> list[Suspicion]:
    """The marks `text` may call for beyond the `known` ones, each with the first word that says so.

    A word right behind a negation (没有受伤) says nothing.
    """
    settled = frozenset(known)
    return [
        Suspicion(mark, word)
        for mark, words in RISK_WORDS.items()
        if mark not in settled
        for word in [next((word for word in words if _said(word, text)), "")]
        if word
    ]


def _said(word: str, text: str) -> bool:
    at = text.find(word)
    while at >= 0:
        if not text[:at].endswith(NEGATIONS):
            return True
        at = text.find(word, at + 1)
    return False
