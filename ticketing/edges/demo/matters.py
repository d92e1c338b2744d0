"""What a complaint of the demo may be about, and the words each party finds for it."""

import random
from typing import NamedTuple

from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.procedure.vocabulary import Category, Grade


class Matter(NamedTuple):
    """One kind of complaint: whose it is, how often old and new communities have it, its words.

    `{where}` stands for one of `places`, `{since}` for how long it has lasted. `broken` says what a survey would
    find defective, where the matter is one for the repair crew.
    """

    category: Category
    department: str
    old: int
    new: int
    summary: str
    contents: tuple[str, ...]
    feedbacks: tuple[str, ...]
    steps: tuple[str, ...]
    results: tuple[str, ...]
    places: tuple[str, ...] = ("",)
    grade: Grade = Grade.GENERAL
    legal: str = ""
    broken: tuple[Part, Phenomenon, Trade] | None = None

    @property
    def is_physical(self) -> bool:
        """Whether something is broken or dirty, rather than owed or badly done."""
        return self.category in (Category.ENGINEERING, Category.FACILITY)


SINCE = (
    "昨天开始", "前天发现", "已经三天了", "快一个星期了", "上周末开始", "有半个月了", "这个月一直这样", "今早发现",
    "从上个月起", "入住时就有",
)  # fmt: skip
SINCE_OF_PAPERS = (
    "问过三次了", "已经两个月了", "拖了快半年", "上个月就说过", "多次打电话没有结果", "来过两趟都没有答复", "从上季度到现在",
)  # fmt: skip
ASK = (
    "请尽快派人上门查看。", "希望这周内处理。", "请安排维修，提前电话联系。", "请给一个明确的处理时间。",
    "家里有老人和小孩，请抓紧。", "白天要上班，请安排在晚上六点以后或周末。", "请回电。", "",
)  # fmt: skip
ASK_OF_PAPERS = (
    "请尽快答复。", "要求书面答复。", "请给一个明确的时间。", "希望本周内有结果。", "请负责人回电。", "不处理将继续向上反映。", "",
)  # fmt: skip
AGAIN = (
    "客户再次来电，询问什么时候上门。", "客户来电催办，说一直没有人联系他。", "客户来电说情况比上次更严重了。",
    "客户再次来访，要求今天给出答复时间。", "客户补充：楼下邻居家也有同样情况。",
)  # fmt: skip
UNHAPPY = (
    "处理之后没过两天又出现了，不满意。", "只是表面处理了一下，没有从根本上解决。", "上门的人态度可以，但问题还在。",
    "答复的时间一拖再拖，要求重新处理。", "修的地方颜色不一样，很难看，要求返工。",
)  # fmt: skip
HAPPY = (
    "处理及时，谢谢。", "师傅上门准时，走的时候还把地面清理干净了。", "已经好了，没有别的意见。", "可以，就是等得久了一点。",
    "客服跟得很紧，满意。", "", "", "",
)  # fmt: skip
PUT_OFF = (
    "配件须向厂家订制，{where}须待到货后施工。", "连日有雨，须待墙体干燥后再做防水。", "客户出差，要求返程后再上门。",
    "须由原施工单位出具方案后处理。",
)  # fmt: skip
NOT_OURS = (
    "经核实系市政施工，不属我司产品和服务，已告知客户向市政热线反映。", "经现场核查，所述情况不存在，客户认可。",
    "客户所述房屋不在我司开发项目内。", "系客户自行改动管线所致，无事实依据，已向客户说明。",
)  # fmt: skip
TAKEN_BACK = (
    "客户来电称已自行解决，撤回。", "客户表示与邻居协商好了，不再投诉。", "客户称是看错了缴费期间，撤回。", "客户决定先观察一段时间，撤回。",
)  # fmt: skip
NOT_MINE = (
    "经查不属本部门职责范围，请改派。", "现场看过，问题出在施工环节，建议转责任部门。", "此事须由原签约部门答复，退回。",
)  # fmt: skip
CALLS_AGAIN = "家属又来电反映同一件事：{summary}。"

LEGAL_ANSWERS = (
    "建议按合同补充协议第六条答复客户，措辞以“已安排核查”为宜，暂不承诺赔偿金额。",
    "已核对合同附件，交付标准以附件三为准，答复函稿见邮件。",
    "该情形不构成违约，但建议保留整改记录和现场照片。",
    "可与客户协商，以物业费减免方式处理，须签书面协议。",
)


def any_matter(rng: random.Random, matters: tuple[Matter, ...], *, is_new: bool) -> Matter:
    """A matter such as a new (or an older) community has."""
    weights = [matter.new if is_new else matter.old for matter in matters]
    return rng.choices(matters, weights)[0]
