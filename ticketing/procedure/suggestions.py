"""What a complaint is probably about, and whose it probably is: proposals a person confirms (3.4.2).

Plain word lists, longest match counts most; no proposal where nothing matches. The department codes
are the house's own and a missing one simply yields no proposal.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ticketing.procedure.repairs import Cause, Liable, Part, Phenomenon, Trade
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


USUAL_TRADE: dict[Part, Trade] = {
    Part.STRUCTURE: Trade.CIVIL,
    Part.ROOF: Trade.CIVIL,
    Part.WET: Trade.CIVIL,
    Part.INSULATION: Trade.CIVIL,
    Part.HEATING: Trade.PLUMBING_ELECTRIC,
    Part.ELECTRIC: Trade.PLUMBING_ELECTRIC,
    Part.PLUMBING: Trade.PLUMBING_ELECTRIC,
    Part.EQUIPMENT: Trade.PLUMBING_ELECTRIC,
    Part.DECORATION: Trade.DECORATION,
    Part.PLASTER: Trade.CIVIL,
    Part.FLOOR: Trade.CIVIL,
    Part.DOORS: Trade.DECORATION,
    Part.SANITARY: Trade.PLUMBING_ELECTRIC,
    Part.LAMPS: Trade.PLUMBING_ELECTRIC,
    Part.BLOCKAGE: Trade.PLUMBING_ELECTRIC,
    Part.LANDSCAPE: Trade.LANDSCAPE,
    Part.ROAD: Trade.CIVIL,
    Part.OTHER: Trade.OTHER,
}
"""The craft that usually repairs a part; whoever writes the defect down may name another."""


class Likely(NamedTuple):
    """A defect a complaint probably speaks of: proposed to the clerk, who takes it or not."""

    part: Part
    phenomenon: Phenomenon
    trade: Trade
    place: str


PHENOMENON_WORDS: dict[Phenomenon, tuple[str, ...]] = {
    Phenomenon.SHORT: ("跳闸", "漏电", "短路"),
    Phenomenon.BLOCKED: (*PHENOMENA["blockage"], "堵"),
    Phenomenon.LEAK: (*PHENOMENA["leak"], "在漏", "又漏", "漏了", "在渗", "在滴"),
    Phenomenon.CRACK: PHENOMENA["crack"],
    Phenomenon.HOLLOW: PHENOMENA["hollow"],
    Phenomenon.FALLING: PHENOMENA["falling"],
    Phenomenon.SANDING: PHENOMENA["sanding"],
    Phenomenon.WARPED: PHENOMENA["warping"],
    Phenomenon.BROKEN: ("关不严", "打不开", "关不上", "坏了", "损坏", "松动", "断了"),
    Phenomenon.NO_SUPPLY: (*PHENOMENA["cut_off"], "断电"),
    Phenomenon.NO_SIGNAL: ("没信号", "无信号", "没声音", "不通话"),
    Phenomenon.NOISE: (*PHENOMENA["noise"], *PHENOMENA["smell"]),
}

PART_WORDS: tuple[tuple[Part, Trade | None, tuple[str, ...]], ...] = (
    (Part.ROOF, None, ("屋面", "屋顶", "楼顶", "天台")),
    (Part.STRUCTURE, None, ("承重墙", "主体结构", "横梁", "楼板")),
    (Part.WET, None, ("外墙", "窗边", "窗台", "防水")),
    (Part.INSULATION, None, ("保温",)),
    (Part.HEATING, None, ("地暖", "暖气", "采暖", "空调")),
    (Part.ELECTRIC, None, ("插座", "电线", "电路", "配电箱", "电箱", "停电", "断电", "没电", "跳闸", "漏电")),
    (Part.PLUMBING, None, ("水管", "立管", "接头", "角阀", "阀门", "停水", "没水")),
    (Part.SANITARY, None, ("龙头", "马桶", "坐便", "脸盆", "花洒", "浴缸", "洁具")),
    (Part.EQUIPMENT, Trade.LIFT, ("电梯",)),
    (Part.EQUIPMENT, Trade.INTELLIGENT, ("对讲", "门禁", "监控", "可视")),
    (Part.EQUIPMENT, None, ("水泵", "消防")),
    (Part.LAMPS, None, ("灯", "开关")),
    (Part.DECORATION, None, ("木地板", "地板", "橱柜", "吊顶", "瓷砖", "墙砖", "墙纸", "踢脚")),
    (Part.DOORS, None, ("门锁", "入户门", "推拉门", "房门", "合页", "把手", "玻璃", "纱窗", "窗")),
    (Part.PLASTER, None, ("墙面", "墙皮", "墙体", "天花", "顶棚", "顶板", "抹灰")),
    (Part.FLOOR, None, ("地面", "地坪", "地砖")),
    (Part.LANDSCAPE, None, ("绿化", "草坪", "树木", "树")),
    (Part.ROAD, None, ("道路", "路面", "井盖")),
)  # fmt: skip
"""What things are called, the part each belongs to, and its trade where that is not the part's usual one."""

PART_OF: dict[Phenomenon, Part] = {
    Phenomenon.LEAK: Part.WET,
    Phenomenon.CRACK: Part.PLASTER,
    Phenomenon.HOLLOW: Part.FLOOR,
    Phenomenon.FALLING: Part.PLASTER,
    Phenomenon.SANDING: Part.FLOOR,
    Phenomenon.BLOCKED: Part.BLOCKAGE,
    Phenomenon.SHORT: Part.ELECTRIC,
}
"""The part a phenomenon speaks of where no thing is named."""

WETTED = frozenset({Part.PLASTER, Part.FLOOR, Part.DECORATION, Part.DOORS, Part.STRUCTURE})
"""Parts on which a leak shows but that do not leak themselves: what fails is the waterproofing."""

PLACES = (
    "主卧卫生间", "次卧卫生间", "地下室", "卫生间", "入户门", "主卧", "次卧", "卧室", "客厅", "餐厅", "厨房", "主卫", "次卫", "客卫",
    "厕所", "浴室", "阳台", "露台", "飘窗", "玄关", "书房", "车库", "楼道", "走廊", "过道", "大堂",
)  # fmt: skip
MOST_LIKELY = 5
_CLAUSE = re.compile(r"[，。；、！？,;!?\s]|以及|还有|另外")


def likely_defects(text: str) -> list[Likely]:
    """The defects a complaint speaks of, clause by clause; a place named once holds for what follows."""
    found: list[Likely] = []
    place = ""
    for clause in filter(None, _CLAUSE.split(text)):
        place = next((name for name in PLACES if name in clause), place)
        phenomenon = next(
            (
                one
                for one, words in PHENOMENON_WORDS.items()
                if any(_said(w, clause) for w in words)
            ),
            None,
        )
        if phenomenon is None:
            continue
        part, trade = next(
            ((part, trade) for part, trade, words in PART_WORDS if any(w in clause for w in words)),
            (PART_OF.get(phenomenon), None),
        )
        if phenomenon is Phenomenon.BLOCKED:
            part, trade = Part.BLOCKAGE, None
        elif phenomenon is Phenomenon.LEAK and part in WETTED:
            part, trade = Part.WET, None
        if part is None:
            continue
        one = Likely(part, phenomenon, trade or USUAL_TRADE[part], place)
        if one not in found:
            found.append(one)
    return found[:MOST_LIKELY]


LIABLE_FOR: dict[Cause, Liable] = {
    Cause.WORKMANSHIP: Liable.CONTRACTOR,
    Cause.MATERIAL: Liable.CONTRACTOR,
    Cause.PRODUCT: Liable.SUPPLIER,
    Cause.DESIGN: Liable.DESIGNER,
    Cause.SALES_PROMISE: Liable.DEVELOPER,
    Cause.MANAGEMENT: Liable.PROPERTY,
    Cause.MISUSE: Liable.CUSTOMER,
    Cause.THIRD_PARTY: Liable.THIRD_PARTY,
    Cause.FORCE_MAJEURE: Liable.UNDETERMINED,
    Cause.WEAR: Liable.CUSTOMER,
    Cause.UNKNOWN: Liable.UNDETERMINED,
}
"""Who usually answers for a cause; those in the flat may put down somebody else (procedure 3.4.5)."""
