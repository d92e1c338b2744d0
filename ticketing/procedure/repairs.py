"""The words of the repair road as closed lists: trades, parts, papers, parties. Stored values never change."""

from ticketing.kernel.enums import Labelled


class Trade(Labelled):
    """Which craft a defect needs; more than one on an order makes it a multi-trade repair (procedure 3.4.5)."""

    CIVIL = "civil", "土建"
    DECORATION = "decoration", "装饰"
    PLUMBING_ELECTRIC = "plumbing_electric", "水电"
    INTELLIGENT = "intelligent", "智能"
    LIFT = "lift", "电梯"
    LANDSCAPE = "landscape", "绿化景园"
    OTHER = "other", "其他工种"


class Part(Labelled):
    """Which part of the home is defective; it decides the warranty period (`procedure.warranty`)."""

    STRUCTURE = "STRUCT", "地基与主体结构"
    ROOF = "ROOF_WP", "屋面防水"
    WET = "WET_WP", "防渗漏（厨卫、地下室、外墙、窗边）"
    INSULATION = "INSUL", "保温"
    HEATING = "HVAC", "供热供冷"
    ELECTRIC = "ELEC", "电气管线"
    PLUMBING = "PLUMB", "给排水管道"
    EQUIPMENT = "EQUIP", "设备安装"
    DECORATION = "DECOR", "装修"
    PLASTER = "PLASTER", "墙面、顶棚抹灰"
    FLOOR = "FLOOR", "地面"
    DOORS = "DOORWIN", "门窗五金"
    SANITARY = "SANITARY", "卫生洁具"
    LAMPS = "LAMP", "灯具、开关"
    BLOCKAGE = "BLOCK", "管道堵塞"
    LANDSCAPE = "LANDSCAPE", "绿化"
    ROAD = "ROAD", "道路、室外管网"
    OTHER = "OTHER", "其他部位"


class Phenomenon(Labelled):
    """What one sees of a defect."""

    LEAK = "leak", "渗漏"
    CRACK = "crack", "裂缝"
    HOLLOW = "hollow", "空鼓"
    FALLING = "falling", "脱落"
    SANDING = "sanding", "起砂"
    BLOCKED = "blocked", "堵塞"
    WARPED = "warped", "翘裂变形"
    BROKEN = "broken", "五金损坏"
    SHORT = "short", "漏电跳闸"
    NO_SUPPLY = "no_supply", "停水停电"
    NO_SIGNAL = "no_signal", "无信号"
    NOISE = "noise", "噪声异味"
    LOOKS = "looks", "观感"
    MISSING = "missing", "缺件"
    OTHER = "other", "其他现象"


class Cause(Labelled):
    """Why it broke; decides who bears the repair (procedure 3.4.5)."""

    WORKMANSHIP = "workmanship", "施工质量"
    MATERIAL = "material", "材料部件"
    PRODUCT = "product", "产品厂家"
    DESIGN = "design", "设计"
    SALES_PROMISE = "sales_promise", "销售承诺"
    MANAGEMENT = "management", "管理"
    MISUSE = "misuse", "使用不当"
    THIRD_PARTY = "third_party", "第三方损坏"
    FORCE_MAJEURE = "force_majeure", "不可抗力"
    WEAR = "wear", "自然损耗"
    UNKNOWN = "unknown", "尚未查明"


class Liable(Labelled):
    """Who answers for a defect (procedure 3.4.5: 甄别责任方)."""

    CONTRACTOR = "contractor", "施工单位"
    SUPPLIER = "supplier", "供应商"
    DESIGNER = "designer", "设计单位"
    DEVELOPER = "developer", "公司"
    PROPERTY = "property", "物业公司"
    CUSTOMER = "customer", "客户"
    THIRD_PARTY = "third_party", "第三方"
    UNDETERMINED = "undetermined", "待定"


class OrderClass(Labelled):
    """Who bears a repair: A the contractor's warranty, B the company beyond it (procedure 3.5.1)."""

    A = "A", "A类（保修）"
    B = "B", "B类（保修期外公司承担）"
    NONE = "none", "不予维修"

    @property
    def repairs(self) -> bool:
        """Whether a work order follows from it."""
        return self is not OrderClass.NONE


class ClassReason(Labelled):
    """Why a defect falls into its class."""

    WARRANTY = "warranty", "两个保修期内，施工单位责任"
    GAP = "gap", "对业主仍保修，施工单位保修期已满"
    NOT_CONTRACTOR = "not_contractor", "保修期内，但非施工单位责任"
    COMMON_AREA = "common_area", "公共部位，施工单位保修期内"
    GOODWILL = "goodwill", "保修期外，公司决定承担"
    OWNERS_OWN = "owners_own", "使用不当、第三方、不可抗力或自然损耗"
    EXPIRED = "expired", "保修期已满"
    UNCLEAR = "unclear", "尚不能判断"


class SurveyStage(Labelled):
    """How far a 现场勘察会签表 has come (procedure 3.4.5, 5.5)."""

    SCHEDULED = "scheduled", "已约"
    RECORDED = "recorded", "已记录"
    SIGNED = "signed", "已会签"
    SUPERSEDED = "superseded", "已由复勘取代"


class Side(Labelled):
    """A box of the 现场勘察会签表: who looks and signs (procedure 5.5)."""

    SERVICE = "service", "客户服务中心"
    ENGINEERING = "engineering", "工程项目部"
    PROPERTY = "property", "物业管理处"
    CAPTAIN = "captain", "维修队长"
    CONTRACTOR = "contractor", "施工单位"
    CUSTOMER = "customer", "客户"


class Presence(Labelled):
    """What became of a box: signed, or why not."""

    SIGNED = "signed", "已签"
    ABSENT = "absent", "未到场"
    REFUSED = "refused", "拒签"


class OrderStage(Labelled):
    """How far a 工程派工单 has come (procedure 3.5.1 to 3.5.3)."""

    DRAFT = "draft", "拟单"
    APPROVING = "approving", "费用审批"
    APPROVED = "approved", "待签发"
    ISSUED = "issued", "已派工"
    ACKNOWLEDGED = "acknowledged", "已签收"
    SELF_CHECKED = "self_checked", "已自检"
    ACCEPTED = "accepted", "已验收"
    TRANSFERRED = "transferred", "转施工单位"
    CANCELLED = "cancelled", "已作废"

    @property
    def is_open(self) -> bool:
        """Whether work or a signature is still owed on it."""
        return self not in (OrderStage.ACCEPTED, OrderStage.CANCELLED)


class Inspector(Labelled):
    """For whom a completion inspection is made (procedure 3.5.3, 3.4.6)."""

    SERVICE = "service", "客户服务处检查"
    PROPERTY = "property", "物业处检查"
    ENGINEERING = "engineering", "工程材料部检查"


class UseKind(Labelled):
    """What a crew used for a repair, noted for the account (procedure 3.5.5)."""

    LABOUR = "labour", "人工"
    MATERIAL = "material", "材料"
    MACHINE = "machine", "机械"


class Verdict(Labelled):
    """How one step of an approval ended (procedure 3.6.1)."""

    AGREED = "agreed", "同意"
    RETURNED = "returned", "退回"


class ApprovalKind(Labelled):
    """What of an order is approved: its estimate, or an account that goes beyond it (procedure 3.6.1)."""

    ESTIMATE = "estimate", "估价审批"
    SUPPLEMENT = "supplement", "超估价审批"


class ApprovalOutcome(Labelled):
    """How far a round of approval has come."""

    OPEN = "open", "审批中"
    APPROVED = "approved", "已批准"
    RETURNED = "returned", "已退回"
    VOID = "void", "已失效"


class Slot(Labelled):
    """What a picture or paper on file shows."""

    REPORTED = "reported", "报修照片"
    SITE = "site", "现场照片"
    BEFORE = "before", "修前照片"
    AFTER = "after", "完工照片"
    SIGNATURE = "signature", "签名"
    SIGNED_PAPER = "signed_paper", "纸质签字件"
    EVIDENCE = "evidence", "凭证"
