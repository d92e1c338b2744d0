"""Acts, and the roles that may do each. Moves of a ticket take their roles from the workflow table."""

from collections.abc import Iterable
from functools import cache

from ticketing.kernel.enums import Labelled
from ticketing.procedure.vocabulary import Reach, Role


class Act(Labelled):
    """Everything a person can do through a page, the command line or an import."""

    REGISTER = "register", "登记"
    CORRECT = "correct", "更正登记"
    AMEND = "amend", "补充登记"
    DISPATCH = "dispatch", "分派"
    TRANSFER = "transfer", "改派"
    RETURN = "return", "退回"
    FEED_BACK = "feed_back", "部门反馈"
    FOLLOW_UP = "follow_up", "记跟踪"
    ASK_ASSISTANCE = "ask_assistance", "请求协办"
    ASSIST = "assist", "协办回复"
    REGRADE = "regrade", "调整等级"
    SETTLE_GRADE = "settle_grade", "确认降级"
    DIRECT = "direct", "拟定处理措施"
    MINUTE = "minute", "专题会议纪要"
    DRAFT_SPECIAL = "draft_special", "起草专题报告"
    SUBMIT_SPECIAL = "submit_special", "上报专题报告"
    INSTRUCT = "instruct", "总经理批示"
    EXTEND = "extend", "延期"
    RESOLVE = "resolve", "处理完毕"
    SCHEDULE_SURVEY = "schedule_survey", "约定勘察"
    CONCLUDE_SURVEY = "conclude_survey", "勘察结论：维修"
    DECLINE_REPAIR = "decline_repair", "勘察结论：不予维修"
    RESURVEY = "resurvey", "复勘"
    ACCEPT_REPAIR = "accept_repair", "竣工验收完成"
    CALL_BACK = "call_back", "回访"
    CLOSE = "close", "关闭"
    REOPEN = "reopen", "重新受理"
    INVALIDATE = "invalidate", "判为无效"
    WITHDRAW = "withdraw", "客户撤回"
    MERGE = "merge", "合并"

    RESCHEDULE_SURVEY = "reschedule_survey", "改约勘察"
    ARRIVE_SURVEY = "arrive_survey", "到场"
    RECORD_SURVEY = "record_survey", "记录勘察"
    SIGN_SURVEY = "sign_survey", "会签"

    DRAFT_ORDER = "draft_order", "拟派工单"
    AMEND_ORDER = "amend_order", "修改派工单"
    SUBMIT_ORDER = "submit_order", "报费用审批"
    APPROVE_ORDER = "approve_order", "审批"
    RETURN_ORDER = "return_order", "退回修改"
    ISSUE_ORDER = "issue_order", "签发派工"
    ISSUE_FIRST = "issue_first", "抢修先行"
    ASK_SUPPLEMENT = "ask_supplement", "报超估价审批"
    PLAN_ORDER = "plan_order", "安排上门"
    ACKNOWLEDGE_ORDER = "acknowledge_order", "签收"
    ARRIVE_ORDER = "arrive_order", "上门到场"
    NOTE_USE = "note_use", "记工料"
    STRIKE_USE = "strike_use", "划去工料"
    SELF_CHECK = "self_check", "自检完工"
    INSPECT_ORDER = "inspect_order", "竣工检查"
    SIGN_OFF = "sign_off", "客户签认"
    REJECT_WORK = "reject_work", "验收不合格"
    ASK_EXTENSION = "ask_extension", "申请延期"
    EXTEND_ORDER = "extend_order", "维修延期"
    ADD_TRADE = "add_trade", "增加工种"
    TRANSFER_ORDER = "transfer_order", "转施工单位"
    CANCEL_ORDER = "cancel_order", "作废派工单"

    DRAFT_ACCOUNT = "draft_account", "编制决算书"
    AMEND_ACCOUNT = "amend_account", "填写决算书"
    SUBMIT_ACCOUNT = "submit_account", "上报决算书"
    AUDIT_LINES = "audit_lines", "逐行审定"
    REVIEW_ACCOUNT = "review_account", "完成审核"
    RETURN_ACCOUNT = "return_account", "退回决算书"
    COMPILE_SETTLEMENT = "compile_settlement", "编写结算书"
    NOTIFY_CONTRACTOR = "notify_contractor", "通知施工单位"
    REMIND_CONTRACTOR = "remind_contractor", "催告施工单位"
    CONFIRM_ACCOUNT = "confirm_account", "施工单位确认"
    DISPUTE_ACCOUNT = "dispute_account", "施工单位异议"
    DEEM_CONFIRMED = "deem_confirmed", "视同确认"
    REVIEW_AGAIN = "review_again", "重新审定"
    CERTIFY = "certify", "认定"
    RETURN_SETTLEMENT = "return_settlement", "退回审定"
    PAY_SETTLEMENT = "pay_settlement", "拨付维修款"
    UNPAY_SETTLEMENT = "unpay_settlement", "冲销拨付"
    UNDO_CERTIFICATION = "undo_certification", "冲销认定"

    READ_BOOKS = "read_books", "查看账簿"
    READ_RETENTION = "read_retention", "查看质保金台账"
    PREPARE_PAYMENT = "prepare_payment", "制付款单"
    VOID_PAYMENT = "void_payment", "作废付款单"
    RELEASE_PAYMENT = "release_payment", "放款"
    ASK_REVERSAL = "ask_reversal", "申请冲销"
    AGREE_REVERSAL = "agree_reversal", "审计同意冲销"
    ASK_CLOSING = "ask_closing", "申请结账或反结账"
    AGREE_CLOSING = "agree_closing", "审计同意结账或反结账"
    ENTER_RETENTION = "enter_retention", "质保金入账"
    AGREE_RETENTION = "agree_retention", "审核质保金入账"
    RECEIVE_MONEY = "receive_money", "登记施工单位来款"
    APPLY_RELEASE = "apply_release", "登记尾款支付申请"
    VERIFY_RELEASE = "verify_release", "核实尾款支付申请"
    OPINE_RELEASE = "opine_release", "尾款支付意见"
    RECONCILE = "reconcile", "银行对账"
    MAP_ACCOUNTS = "map_accounts", "维护科目对照"
    EXPORT_BOOKS = "export_books", "导出账表"
    READ_IMPREST = "read_imprest", "查看周转金"
    KEEP_FUND = "keep_fund", "设立周转金与保管人"
    SPEND_IMPREST = "spend_imprest", "周转金支出"
    COUNT_IMPREST = "count_imprest", "周转金盘点"
    ASK_IMPREST = "ask_imprest", "申请周转金拨付"
    CLEAR_IMPREST = "clear_imprest", "确认周转金清回"

    READ_TICKET = "read_ticket", "查看登记表"
    READ_SURVEY = "read_survey", "查看会签表"
    READ_ORDER = "read_order", "查看派工单"
    READ_OWN_ORDERS = "read_own_orders", "我的派工"
    READ_SETTLEMENT = "read_settlement", "查看决算与结算"
    READ_PLAN = "read_plan", "查看派工看板"
    ATTACH = "attach", "上传照片"
    READ_CONTRACTORS = "read_contractors", "查看施工单位与维修队"
    MANAGE_CONTRACTORS = "manage_contractors", "维护施工单位与维修队"
    READ_PHONE = "read_phone", "查看电话"
    READ_MAJOR = "read_major", "查看重大投诉文件"
    EXPORT = "export", "导出 Excel"
    READ_ESTATE = "read_estate", "查看房产与客户"
    EDIT_CUSTOMER = "edit_customer", "维护客户资料"
    MERGE_CUSTOMER = "merge_customer", "合并客户"
    IMPORT_ESTATE = "import_estate", "导入房产客户"
    MANAGE_ESTATE = "manage_estate", "维护小区"
    READ_REPORT = "read_report", "查看报表"
    COMPILE_REPORT = "compile_report", "汇总报表"
    CHECK_REPORT = "check_report", "复核报表"
    SUBMIT_REPORT = "submit_report", "上报报表"
    MANAGE_PEOPLE = "manage_people", "维护人员与部门"
    CONFIRM_ROLE = "confirm_role", "确认授权"
    MANAGE_OUTLETS = "manage_outlets", "维护通知出口"
    READ_JOURNAL = "read_journal", "查看审计日志"
    MANAGE_JOBS = "manage_jobs", "管理后台任务"
    READ_CALENDAR = "read_calendar", "查看工作日历"
    MANAGE_CALENDAR = "manage_calendar", "维护工作日历"
    NAME_DEPUTY = "name_deputy", "委托代理"
    READ_PARAMETERS = "read_parameters", "查看制度参数"
    PROPOSE_PARAMETERS = "propose_parameters", "拟定制度参数"
    CONFIRM_PARAMETERS = "confirm_parameters", "确认制度参数"
    READ_PRICES = "read_prices", "查看合同价目表"
    PROPOSE_PRICES = "propose_prices", "拟定合同价目表"
    AGREE_PRICES = "agree_prices", "同意合同价目表"


_CUSTOMER_SERVICE = frozenset({Role.CLERK, Role.OFFICE, Role.CS_MANAGER})
_LEADERS = frozenset({Role.DEPUTY_GM, Role.GENERAL_MANAGER})
_OVERSEERS = frozenset({Role.AUDITOR, Role.DEPUTY_CHIEF_ENGINEER}) | _LEADERS
_MONEY = frozenset({Role.FINANCE, Role.CASHIER})
"""Finance's two: the accountant keeps the books and makes payments, the cashier releases them (access matrix 30, S6)."""
_SPENDERS = frozenset({Role.CAPTAIN, Role.CS_MANAGER})
"""Who spends out of a working fund: the crew's captain, the manager of customer service (access matrix 34)."""
_BOOK_READERS = _MONEY | {Role.AUDITOR, Role.GENERAL_MANAGER}

SIGNING_ROLES = _OVERSEERS | {Role.CS_MANAGER, Role.FINANCE}
"""Roles that sign for money: their signature, and nothing else of them, may be given by a deputy (trust: S10)."""

_NEVER_FOR: dict[Role, frozenset[Role]] = {
    Role.CAPTAIN: SIGNING_ROLES,
    Role.ADMIN: SIGNING_ROLES,
    Role.AUDITOR: frozenset({Role.FINANCE}),
    Role.DEPUTY_GM: frozenset({Role.AUDITOR, Role.FINANCE}),
    Role.GENERAL_MANAGER: frozenset({Role.AUDITOR, Role.FINANCE}),
}
"""Whose signatures a holder of a role never gives, whoever asks him to (trust: S2, S4, S7, S8)."""

PERMISSIONS: dict[Act, frozenset[Role]] = {
    Act.READ_TICKET: _CUSTOMER_SERVICE | _OVERSEERS | {Role.HANDLER, Role.ENGINEER, Role.READER},
    Act.READ_PHONE: _CUSTOMER_SERVICE | _LEADERS | {Role.HANDLER, Role.ENGINEER},
    Act.READ_MAJOR: _CUSTOMER_SERVICE | _OVERSEERS | {Role.HANDLER, Role.ENGINEER},
    Act.READ_SURVEY: _CUSTOMER_SERVICE
    | _OVERSEERS
    | {Role.HANDLER, Role.ENGINEER, Role.CAPTAIN, Role.READER},
    Act.READ_ORDER: _CUSTOMER_SERVICE
    | _OVERSEERS
    | _MONEY
    | {Role.HANDLER, Role.ENGINEER, Role.CAPTAIN, Role.READER},
    Act.READ_SETTLEMENT: _OVERSEERS | _MONEY | {Role.OFFICE, Role.CS_MANAGER, Role.CAPTAIN},
    Act.READ_OWN_ORDERS: frozenset({Role.CAPTAIN}),
    Act.READ_PLAN: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Act.ATTACH: _CUSTOMER_SERVICE | {Role.HANDLER, Role.ENGINEER, Role.CAPTAIN},
    Act.READ_CONTRACTORS: _CUSTOMER_SERVICE | _OVERSEERS | _MONEY | {Role.ENGINEER, Role.ADMIN},
    Act.MANAGE_CONTRACTORS: frozenset({Role.CS_MANAGER, Role.ENGINEER}),
    Act.EXPORT: _CUSTOMER_SERVICE | _OVERSEERS | {Role.HANDLER, Role.ENGINEER},
    Act.READ_ESTATE: _CUSTOMER_SERVICE,
    Act.EDIT_CUSTOMER: _CUSTOMER_SERVICE,
    Act.MERGE_CUSTOMER: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Act.IMPORT_ESTATE: _CUSTOMER_SERVICE,
    Act.MANAGE_ESTATE: frozenset({Role.ADMIN}),
    Act.READ_REPORT: _CUSTOMER_SERVICE | _OVERSEERS | _MONEY | {Role.READER},
    Act.COMPILE_REPORT: _CUSTOMER_SERVICE,
    Act.CHECK_REPORT: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Act.SUBMIT_REPORT: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Act.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
    Act.CONFIRM_ROLE: frozenset({Role.ADMIN, Role.CS_MANAGER}),
    Act.MANAGE_JOBS: frozenset({Role.ADMIN}),
    Act.MANAGE_OUTLETS: frozenset({Role.ADMIN}),
    Act.READ_JOURNAL: frozenset({Role.AUDITOR, Role.ADMIN}) | _LEADERS,
    Act.READ_CALENDAR: frozenset(Role),
    Act.MANAGE_CALENDAR: frozenset({Role.CS_MANAGER, Role.ADMIN}),
    Act.NAME_DEPUTY: SIGNING_ROLES,
    Act.READ_PARAMETERS: _OVERSEERS
    | {Role.OFFICE, Role.CS_MANAGER, Role.ENGINEER, Role.CAPTAIN, Role.FINANCE, Role.ADMIN},
    Act.PROPOSE_PARAMETERS: frozenset({Role.CS_MANAGER, Role.ADMIN}),
    Act.CONFIRM_PARAMETERS: frozenset({Role.GENERAL_MANAGER}),
    Act.READ_PRICES: _CUSTOMER_SERVICE
    | _OVERSEERS
    | _MONEY
    | {Role.ENGINEER, Role.CAPTAIN, Role.ADMIN},
    Act.PROPOSE_PRICES: frozenset({Role.CS_MANAGER, Role.ADMIN}),
    Act.AGREE_PRICES: frozenset({Role.GENERAL_MANAGER}),
    Act.READ_BOOKS: _BOOK_READERS,
    Act.READ_RETENTION: _BOOK_READERS
    | {Role.CS_MANAGER, Role.DEPUTY_CHIEF_ENGINEER, Role.ENGINEER},
    Act.PREPARE_PAYMENT: frozenset({Role.FINANCE}),
    Act.VOID_PAYMENT: _MONEY,
    Act.RELEASE_PAYMENT: frozenset({Role.CASHIER}),
    Act.ASK_REVERSAL: frozenset({Role.FINANCE}),
    Act.AGREE_REVERSAL: frozenset({Role.AUDITOR}),
    Act.ASK_CLOSING: frozenset({Role.FINANCE}),
    Act.AGREE_CLOSING: frozenset({Role.AUDITOR}),
    Act.ENTER_RETENTION: frozenset({Role.FINANCE}),
    Act.AGREE_RETENTION: frozenset({Role.AUDITOR}),
    Act.RECEIVE_MONEY: frozenset({Role.FINANCE}),
    Act.APPLY_RELEASE: frozenset({Role.FINANCE, Role.ENGINEER}),
    Act.VERIFY_RELEASE: frozenset({Role.ENGINEER}),
    Act.OPINE_RELEASE: frozenset({Role.CS_MANAGER}),
    Act.RECONCILE: frozenset({Role.FINANCE}),
    Act.MAP_ACCOUNTS: frozenset({Role.FINANCE}),
    Act.EXPORT_BOOKS: _BOOK_READERS,
    Act.READ_IMPREST: _BOOK_READERS | _SPENDERS,
    Act.KEEP_FUND: frozenset({Role.FINANCE}),
    Act.SPEND_IMPREST: _SPENDERS,
    Act.COUNT_IMPREST: _SPENDERS,
    Act.ASK_IMPREST: _SPENDERS | {Role.FINANCE},
    Act.CLEAR_IMPREST: frozenset({Role.FINANCE}),
}
"""Which roles may do what is no move of a paper. The money, by rows of the access matrix: payments are made by finance and
released by the cashier (30), deposits entered by finance and checked by audit (31), the opinion on a deposit is the
manager's alone and read by others (32), a reversal, and a closing of the books or its reopening, asked by finance and agreed
to by audit (33), working funds spent by those who hold them and topped up by finance (34)."""

TICKET_REACH: dict[Role, Reach] = {
    Role.CLERK: Reach.COMMUNITY,
    Role.OFFICE: Reach.COMMUNITY,
    Role.HANDLER: Reach.DEPARTMENT,
    Role.CAPTAIN: Reach.NONE,
    Role.ENGINEER: Reach.DEPARTMENT,
    Role.CS_MANAGER: Reach.ALL,
    Role.AUDITOR: Reach.ALL,
    Role.DEPUTY_CHIEF_ENGINEER: Reach.ALL,
    Role.DEPUTY_GM: Reach.ALL,
    Role.GENERAL_MANAGER: Reach.ALL,
    Role.FINANCE: Reach.NONE,
    Role.CASHIER: Reach.NONE,
    Role.ADMIN: Reach.NONE,
    Role.READER: Reach.COMMUNITY,
}
"""How far each role sees tickets (docs/architecture.md, access matrix)."""

BUSINESS_ROLES = frozenset(Role) - {Role.ADMIN, Role.READER}
"""Roles that touch the procedure itself: no administrator gives one to himself."""

TWO_PERSON_ROLES = frozenset(Role) - {Role.READER}
"""Roles whose granting takes a second person; else one could appoint his own confirmer."""


@cache
def roles_for(act: Act) -> frozenset[Role]:
    """The roles that may do `act` somewhere; moves of a paper are read from its road."""
    from ticketing.procedure.repair_roads import roles_that_move
    from ticketing.procedure.settlement_road import roles_that_settle

    return PERMISSIONS.get(act) or roles_that_move(act) | roles_that_settle(act)


def may(roles: Iterable[Role], act: Act) -> bool:
    """Whether one of `roles` may do `act` at all; the state of the paper is checked by the mover."""
    return not roles_for(act).isdisjoint(roles)


def may_stand_in(roles: Iterable[Role], role: Role) -> bool:
    """Whether somebody with `roles` may be the deputy of a holder of `role`, for its signature (trust: S2, S4, S7, S8, S10)."""
    own = frozenset(roles)
    barred = any(role in _NEVER_FOR.get(one, ()) for one in own)
    return role in SIGNING_ROLES and bool(own & BUSINESS_ROLES) and not barred


def may_sign(roles: Iterable[Role], act: Act) -> bool:
    """Whether `act` is a signature of one of `roles`, which a deputy may hold for his principal (trust: S10)."""
    from ticketing.procedure import repair_roads, settlement_road

    signed = repair_roads.roles_that_sign(act) | settlement_road.roles_that_sign(act)
    return not signed.isdisjoint(roles)
