"""What can be wrong with a plan, in the words of the board. The values stand in addresses; nothing stores them."""

from ticketing.kernel.enums import Labelled


class Problem(Labelled):
    """A conflict the board makes visible; whoever plans decides (procedure 3.4.5, 3.5.2)."""

    UNPLANNED = "unplanned", "未安排"
    MISSED = "missed", "已过上门日"
    LATE = "late", "晚于时限"
    DAY_OFF = "day_off", "休息日上门"
    TWICE = "twice", "同户同日"
    FULL = "full", "超负荷"


class Pile(Labelled):
    """What waits beside the board for a day, in the order in which it presses."""

    MISSED = "missed", "已过上门日期"
    STARTED = "started", "已到场，未完工"
    ISSUED = "issued", "已派工，未安排"
    APPROVED = "approved", "待签发，未安排"
    APPROVING = "approving", "费用审批中"
    DRAFT = "draft", "拟单"
