"""The words of the procedure as closed lists. Stored values never change; labels are what is printed."""

from ticketing.kernel.enums import Labelled


class Role(Labelled):
    """What a person is entitled as (procedure 2, 3.4). One person may hold several roles."""

    CLERK = "clerk", "资料员"
    OFFICE = "office", "客户服务处"
    HANDLER = "handler", "责任部门专人"
    CAPTAIN = "captain", "维修队长"
    ENGINEER = "engineer", "工程材料部"
    CS_MANAGER = "cs_manager", "客户服务部经理"
    AUDITOR = "auditor", "审计核算部"
    DEPUTY_CHIEF_ENGINEER = "deputy_chief_engineer", "副总工程师（质量）"
    DEPUTY_GM = "deputy_gm", "副总经理"
    GENERAL_MANAGER = "general_manager", "总经理"
    FINANCE = "finance", "财务计统部"
    ADMIN = "admin", "系统管理员"
    READER = "reader", "只读"
    CASHIER = "cashier", "财务出纳"


class Reach(Labelled):
    """How far a role sees tickets: its communities, its department's, all, or none."""

    COMMUNITY = "community", "本小区"
    DEPARTMENT = "department", "本部门"
    ALL = "all", "全部"
    NONE = "none", "无"


class Channel(Labelled):
    """Through which way a complaint came in (procedure 3.4.1)."""

    PHONE = "phone", "来电"
    VISIT = "visit", "来访"
    OFFICE = "office", "客户服务处转来"
    SALES = "sales", "经营销售部转来"
    PROPERTY = "property", "物业公司转来"
    WEB = "web", "网络/二维码"
    LETTER = "letter", "信函"
    HOTLINE = "hotline", "政府热线/媒体"
    API = "api", "系统接口"


class Category(Labelled):
    """What a complaint is about (procedure 3.4.2: one category for the whole company)."""

    ENGINEERING = "ENG", "工程质量"
    DESIGN = "DES", "规划设计"
    SALES = "SAL", "销售承诺与合同"
    FINANCE = "FIN", "收款票据"
    PROPERTY = "PM", "物业服务"
    FACILITY = "FAC", "配套与环境"
    SERVICE = "SVC", "维修服务与态度"
    SECURITY = "SEC", "保安"
    OTHER = "OTH", "其他"


class Grade(Labelled):
    """How grave a complaint is; a major one goes to the general manager (procedure 3.4.7)."""

    GENERAL = "general", "一般"
    IMPORTANT = "important", "重要"
    MAJOR = "major", "重大"

    @property
    def weight(self) -> int:
        """0, 1, 2: to compare grades."""
        return list(Grade).index(self)


class Mark(Labelled):
    """What makes a complaint major by itself (procedure 3.4.7); a person sets it, words only propose it."""

    SAFETY = "safety", "人身安全"
    LEGAL = "legal", "诉讼或律师函"
    MEDIA = "media", "媒体或政府部门介入"
    STRUCTURE = "structure", "结构安全"


class TicketStage(Labelled):
    """Where a ticket stands on the road (procedure 3.4)."""

    REGISTERED = "registered", "已登记"
    DISPATCHED = "dispatched", "已转派"
    HANDLING = "handling", "处理中"
    SURVEYING = "surveying", "待勘察"
    REPAIRING = "repairing", "维修中"
    CALLBACK = "callback", "待回访"
    CLOSED = "closed", "已关闭"
    INVALID = "invalid", "无效"
    WITHDRAWN = "withdrawn", "撤回"
    MERGED = "merged", "已合并"

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes the customer something."""
        return self in OPEN_STAGES


OPEN_STAGES = (
    TicketStage.REGISTERED,
    TicketStage.DISPATCHED,
    TicketStage.HANDLING,
    TicketStage.SURVEYING,
    TicketStage.REPAIRING,
    TicketStage.CALLBACK,
)


class Flow(Labelled):
    """What a move does to the stock of open tickets; the reports' balance is made of these."""

    NEW = "new", "新增"
    REOPENED = "reopened", "重开"
    CLOSED = "closed", "关闭"
    INVALID = "invalid", "无效"
    WITHDRAWN = "withdrawn", "撤回"
    MERGED = "merged", "合并"

    @property
    def sign(self) -> int:
        """+1 when the stock of open tickets grows, -1 when it shrinks."""
        return 1 if self in (Flow.NEW, Flow.REOPENED) else -1


class Satisfaction(Labelled):
    """The customer's answer at the callback (procedure 3.5.4)."""

    VERY_SATISFIED = "very_satisfied", "很满意"
    SATISFIED = "satisfied", "满意"
    NEUTRAL = "neutral", "一般"
    DISSATISFIED = "dissatisfied", "不满意"

    @property
    def is_content(self) -> bool:
        """Whether the answer counts towards 满意率 (very satisfied or satisfied)."""
        return self in (Satisfaction.VERY_SATISFIED, Satisfaction.SATISFIED)


class Relation(Labelled):
    """What a customer is to a unit."""

    OWNER = "owner", "业主"
    FAMILY = "family", "家属"
    TENANT = "tenant", "租户"
    AGENT = "agent", "代理人"


class NoteKind(Labelled):
    """What a note on a ticket is, in the words of the 来电来访登记表 (procedure 5.3)."""

    FEEDBACK = "feedback", "部门反馈"
    FOLLOW_UP = "follow_up", "跟踪记录"
    AGAIN = "again", "再次来电"
    ASSISTANCE = "assistance", "协办回复"
    RESOLUTION = "resolution", "处理结果"
    OPINION = "opinion", "客户反馈意见"


class SystemEvent(Labelled):
    """What the system itself writes into a ticket's story."""

    BREACH = "breach", "到时未完成"


class SpecialStage(Labelled):
    """How far the special report 专题报告 of a ticket has come (procedure 3.10.6)."""

    DRAFTED = "drafted", "草稿"
    SUBMITTED = "submitted", "已上报"
    INSTRUCTED = "instructed", "已批示"


class ReportKind(Labelled):
    """Which period a report covers (procedure 3.10.3, 3.10.4)."""

    WEEKLY = "weekly", "周报"
    QUARTERLY = "quarterly", "季报"


class ReportStage(Labelled):
    """How far a report has come; a submitted one is frozen (procedure 3.10.3)."""

    COMPILED = "compiled", "已汇总"
    CHECKED = "checked", "已复核"
    SUBMITTED = "submitted", "已上报"
