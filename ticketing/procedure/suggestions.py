"""What a complaint is probably about, and whose it probably is: proposals a person confirms (3.4.2).

Plain word lists, longest match counts most; no proposal where nothing matches. The department codes
are the house's own and a missing one simply yields no proposal.
"""

from ticketing.procedure.vocabulary import Category

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
