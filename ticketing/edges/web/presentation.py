"""What every template may use: the procedure's words, dates and durations as people write them."""

import hashlib
import json
from collections.abc import Callable, Hashable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Flask, request, url_for
from jinja2.runtime import Macro
from markupsafe import Markup

from ticketing.casefile.notices.queries import unread
from ticketing.casefile.tickets.timeline import field_name, show_value, timeline
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import MOST_COUNTED, transaction
from ticketing.kernel.text import masked_phone, show_fen, show_milli
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.guard import current_scope, current_user, someone_signed_in
from ticketing.masters.prices import queries as prices
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure import vocabulary
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement_road import SIGNED
from ticketing.procedure.workdays import working_days_between
from ticketing.settings import Settings


class Badge(NamedTuple):
    """A deadline in words and a colour class: ``剩 1 工作日``, ``超 2 工作日``."""

    text: str
    tone: str


class Place(NamedTuple):
    """An entry of the navigation: shown to those who may do one of `acts`, or to everybody."""

    label: str
    endpoint: str
    icon: str
    acts: tuple[Act, ...] = ()


NAVIGATION = (
    Place("工作台", "tickets.index", "inbox", (Act.READ_TICKET,)),
    Place("我的派工", "phone.index", "wrench", (Act.READ_OWN_ORDERS,)),
    Place("时限看板", "board.index", "hourglass", (Act.READ_TICKET,)),
    Place("勘察", "site_survey.index", "search", (Act.READ_SURVEY,)),
    Place("派工单", "work_orders.index", "wrench", (Act.READ_ORDER,)),
    Place("决算结算", "settlements.index", "ledger", (Act.READ_SETTLEMENT, *SIGNED)),
    Place("派工看板", "plan.index", "columns", (Act.READ_PLAN,)),
    Place("重大投诉", "escalation.index", "flag", (Act.DIRECT, Act.MINUTE)),
    Place("新登记", "intake.new", "telephone-plus", (Act.REGISTER,)),
    Place("小区与客户", "estate.index", "buildings", (Act.READ_ESTATE,)),
    Place("小区维护", "estate.manage", "buildings", (Act.MANAGE_ESTATE,)),
    Place("施工单位与维修队", "contractors.index", "tools", (Act.READ_CONTRACTORS,)),
    Place("周报季报", "reports.index", "file-earmark-spreadsheet", (Act.READ_REPORT,)),
    Place("财务", "desk.index", "coins", (Act.READ_BOOKS,)),
    Place("质保金", "retention.index", "shield-check", (Act.READ_RETENTION,)),
    Place("周转金", "imprest.index", "wallet", (Act.READ_IMPREST,)),
    Place("工作日历", "calendar.index", "calendar", (Act.READ_CALENDAR,)),
    Place("制度参数", "parameters.index", "sliders", (Act.READ_PARAMETERS,)),
    Place("通知", "notices.inbox", "bell"),
    Place("人员与部门", "people.index", "people", (Act.MANAGE_PEOPLE, Act.CONFIRM_ROLE)),
    Place("通知出口", "notices.outlets_page", "send", (Act.MANAGE_OUTLETS,)),
    Place("后台任务", "jobs.index", "clock", (Act.MANAGE_JOBS,)),
    Place("审计日志", "audit.index", "shield-check", (Act.READ_JOURNAL,)),
)

FIRST_PAGES = frozenset({"tickets.index", "escalation.index", "people.index"})
"""Where those who propose and confirm parameters begin their day: there they are told that blanks are unfilled."""
FINANCE_ROOMS = (
    ("财务台", "desk.index", Act.READ_BOOKS, ()),
    ("待拨付", "payments.waiting", Act.READ_BOOKS, ("payments.prepare",)),
    ("付款单", "payments.index", Act.READ_BOOKS, ("payments.show", "payments.release")),
    ("待扣回", "desk.deductions", Act.READ_BOOKS, ()),
    ("质保金", "retention.index", Act.READ_RETENTION, ("retention.show",)),
    ("应收", "retention.receivables", Act.READ_BOOKS, ("retention.receive",)),
    ("周转金", "imprest.index", Act.READ_IMPREST, ("imprest.show",)),
    ("对账单", "desk.statements", Act.READ_BOOKS, ("desk.statement",)),
    ("凭证", "ledger.index", Act.READ_BOOKS, ("ledger.show",)),
    ("科目余额", "ledger.accounts", Act.READ_BOOKS, ("ledger.account",)),
    ("银行对账", "banking.index", Act.READ_BOOKS, ("banking.show", "banking.columns")),
    ("凭证导出", "desk.vouchers", Act.READ_BOOKS, ("desk.codes",)),
    (
        "结账",
        "ledger.closings",
        Act.READ_BOOKS,
        ("ledger.ask_closing", "ledger.ask_reopening", "ledger.settle_closing"),
    ),
    ("年终", "desk.year_end", Act.READ_BOOKS, ()),
)
"""The rooms of finance in a row: label, endpoint, the act that opens it, and the pages behind it."""


def install(app: Flask, settings: Settings) -> None:
    """Give the app's templates their filters and globals."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.add_extension("jinja2.ext.do")
    env.filters.update(
        day=lambda value: clock.show_date(value) if value else "—",
        instant=lambda value: clock.show_instant(value) if value else "—",
        briefly=briefly,
        masked=masked_phone,
        percent=percent,
        paragraphs=paragraphs,
        local_day=lambda value: clock.local(value).date(),
        hour=lambda value: f"{clock.local(value):%H:%M}",
        fieldname=field_name,
        factvalue=show_value,
        timeline=timeline,
        actname=act_name,
        facts=facts_text,
        yuan=yuan,
        money=show_fen,
        milli=show_milli,
        rate=rate,
        some=some,
    )
    env.globals.update(
        finance_rooms=FINANCE_ROOMS,
        Act=Act,
        vocabulary=vocabulary,
        due_badge=due_badge,
        hours_badge=hours_badge,
        asset=asset,
        keep_query=keep_query,
        keeper=keeper,
        settings=settings,
        today=clock.today,
        missing_year=workcalendar.missing_year,
        first_pages=FIRST_PAGES,
        parameters_stand=parameters.standing,
        prices_waiting=prices.waiting,
        bell=bell,
    )

    @app.context_processor
    def _who() -> dict[str, Any]:
        if not someone_signed_in():
            return {"me": None, "can": lambda _act: False, "navigation": ()}
        scope, me = current_scope(), current_user()
        if me.password_is_one_time:
            return {"me": me, "can": lambda _act: False, "navigation": ()}
        return {
            "me": me,
            "can": scope.may,
            "navigation": [
                place
                for place in NAVIGATION
                if not place.acts or any(scope.may(act) for act in place.acts)
            ],
        }


def bell() -> str:
    """The number at the bell of the signed-in person: his unread notices, nothing for none."""
    count = unread(current_scope())
    return some(count) if count else ""


def some(count: int) -> str:
    """A number that was counted only so far."""
    return f"{MOST_COUNTED - 1}+" if count >= MOST_COUNTED else str(count)


def due_badge(due_on: date | None, done_on: date | None = None, late: bool | None = None) -> Badge:
    """How a deadline stands today, or stood on the day it was done, in words and tone.

    `late` is the clock's own mark where it has one: a limit in hours can be missed on its day.
    """
    if due_on is None:
        return Badge("—", "none")
    if late and done_on is not None and done_on <= due_on:
        return Badge("迟", "late")
    return _badge(due_on, done_on, clock.today(), workcalendar.snapshot().mark)


@lru_cache(maxsize=4096)
def _badge(due_on: date, done_on: date | None, today: date, _mark: str) -> Badge:
    """Kept for the day and the calendar: fifty rows of a list share a few dates, and each is counted day by day."""
    calendar = workcalendar.snapshot()
    if done_on is not None:
        late = working_days_between(due_on, done_on, calendar)
        if done_on <= due_on:
            return Badge("按时", "done")
        return Badge(f"迟 {max(late, 1)} 工作日", "late")
    if today > due_on:
        return Badge(f"超 {max(working_days_between(due_on, today, calendar), 1)} 工作日", "late")
    if today == due_on:
        return Badge("今日到期", "soon")
    left = working_days_between(today, due_on, calendar)
    return Badge(f"剩 {left} 工作日", "soon" if left <= 1 else "fine")


def hours_badge(due_at: datetime) -> Badge:
    """How a limit stands that is kept to the minute: ``剩 1 小时 20 分``, ``超 26 小时 5 分``."""
    seconds = int((due_at - clock.now()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    length = f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分"
    return Badge(f"超 {length}", "late") if seconds < 0 else Badge(f"剩 {length}", "soon")


def keeper() -> Callable[..., Markup]:
    """``kept(macro, *args)``: what a macro says of its arguments, kept for the day and the calendar.

    For tags that depend on nothing else. Fifty rows repeat a handful of stages, grades and dates, and
    calling the macros anew for each row was a third of the work list's rendering.
    """
    today, mark = clock.today(), workcalendar.snapshot().mark

    def kept(macro: Macro, *args: Hashable) -> Markup:
        key = (macro.name, today, mark, args)
        text = _kept.get(key)
        if text is None:
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            text = _kept[key] = Markup(macro(*args))
        return text

    return kept


MOST_KEPT = 4096
_kept: dict[tuple[str, date, str, tuple[Hashable, ...]], Markup] = {}


def briefly(instant: datetime) -> str:
    """An instant for a narrow column: without the year when it is this year's."""
    wall = clock.local(instant)
    form = "%m-%d %H:%M" if wall.year == clock.today().year else "%Y-%m-%d %H:%M"
    return wall.strftime(form)


def percent(fraction: float | None) -> str:
    """A fraction as a percentage; an empty denominator prints a dash, never 0 %."""
    return "—" if fraction is None else f"{fraction:.1%}"


def rate(basis_points: int | None) -> str:
    """A rate in basis points as a percentage: ``9%``, ``8.83%``."""
    if basis_points is None:
        return "—"
    return f"{'-' if basis_points < 0 else ''}{show_milli(abs(basis_points) * 10)}%"


def paragraphs(text: str) -> Markup:
    """Typed text with its line breaks kept, everything else escaped."""
    return Markup("<br>").join(text.split("\n"))


ACT_NAMES = {
    "sign_in": "登录",
    "create": "新建",
    "edit": "修改",
    "save": "保存",
    "set_password": "设置密码",
    "give_password": "给一次性密码",
    "revoke_sign_ins": "令其退出",
    "grant_role": "授予岗位",
    "take_role": "收回岗位",
    "put_back_role": "岗位退回待确认",
    "confirm_role": "确认岗位",
    "settle_in": "登记住户",
    "move_out": "迁出",
    "merged_into": "并入他人",
    "took_over": "接收合并",
    "refused": "被拒绝",
    "run": "运行任务",
    "import": "导入",
    "propose_year": "提出全年放假安排",
    "propose_closure": "提出停工",
    "propose_reopening": "提出取消停工",
    "adopt_year": "启用全年放假安排",
    "adopt_closure": "停工生效",
    "adopt_reopening": "取消停工生效",
    "drop_proposal": "撤下提案",
    "load_years": "载入内置年份",
    "revoke_deputy": "撤销代理",
    "withdraw_parameters": "撤下制度参数",
    "enter_prices": "导入合同价目表",
    "decline_prices": "不同意合同价目表",
    "drop_prices": "放弃合同价目表",
    "resend": "重发",
    "post": "记账",
    "reverse": "冲销",
    "try_out": "试发",
}


def act_name(value: str) -> str:
    """A journalled act as people call it."""
    known = {act.value: act.label for act in (*Act, *vocabulary.SystemEvent)}
    return ACT_NAMES.get(value) or known.get(value, value)


def facts_text(facts: dict[str, Any]) -> str:
    """Journalled facts on one line, as they are stored."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True) if facts else ""


@lru_cache(maxsize=64)
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a static file, with its content's hash so that it may be cached for long."""
    from flask import current_app

    return url_for("static", filename=name, v=_digest(f"{current_app.static_folder}/{name}"))


def keep_query(endpoint: str | None = None, **changes: Any) -> str:
    """This page's address, or that of `endpoint`, with some query parameters changed; None drops one.

    Repeats are kept. The parameters are the visitor's own, so they never become arguments of `url_for`.
    """
    values: dict[str, Any] = request.args.to_dict(flat=False)
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    if endpoint is None:
        address = url_for(request.endpoint or "tickets.index", **(request.view_args or {}))
    else:
        address = url_for(endpoint)
    return f"{address}?{urlencode(values, doseq=True)}" if values else address


def note_refusal() -> None:
    """Write a refused access into the journal, in a transaction of its own."""
    if not someone_signed_in():
        return
    user = current_user()
    with transaction():
        record(
            "access",
            user.id,
            "refused",
            actor=user,
            at=clock.now(),
            facts={"method": request.method, "path": request.path},
        )
