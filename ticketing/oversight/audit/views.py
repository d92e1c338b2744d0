"""The audit page."""

from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ticketing.journal import queries
from ticketing.kernel.db import db
from ticketing.kernel.text import masked_phone, row_id
from ticketing.masters.people.guard import current_scope, requires
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act

bp = Blueprint("audit", __name__, url_prefix="/audit")

PAGE = 100
SUBJECTS = {
    "ticket": "登记表",
    "survey": "会签表",
    "order": "派工单",
    "user": "人员",
    "department": "部门",
    "customer": "客户",
    "unit": "房产",
    "community": "小区",
    "service_office": "客户服务处",
    "contractor": "施工单位",
    "contract": "施工合同",
    "repair_team": "维修队",
    "worker": "维修工人",
    "warranty_promise": "保修承诺",
    "report": "报表",
    "calendar": "工作日历",
    "import": "导入",
    "export": "导出",
    "robot": "群机器人",
    "job": "后台任务",
    "delivery": "消息投递",
    "ledger_entry": "凭证",
    "payment": "付款单",
    "retention": "质保金",
    "bank_file": "银行对账",
    "imprest": "周转金",
    "books": "账表与科目对照",
    "access": "被拒绝的访问",
}


@bp.get("/")
@requires(Act.READ_JOURNAL)
def index() -> ResponseReturnValue:
    """The newest entries, optionally of one kind, page by page."""
    subject = request.args.get("subject", "")
    subject = subject if subject in SUBJECTS else ""
    before_id = request.args.get("after", type=row_id)
    query = queries.entries(subject=subject, before_id=before_id).limit(PAGE + 1)
    lines = queries.parsed(db.session.scalars(query))
    following = str(lines[PAGE - 1].entry.id) if len(lines) > PAGE else ""
    return render_template(
        "audit/index.html",
        lines=lines[:PAGE],
        shown=lambda line: shown_facts(current_scope(), line),
        following=following,
        subjects=SUBJECTS,
        subject=subject,
    )


def shown_facts(scope: Scope, line: queries.StoryLine) -> Any:
    """What this person may read of an entry: the words of customers only if he may read tickets."""
    if line.entry.subject in _CUSTOMERS and not scope.may(Act.READ_TICKET):
        return {}
    return line.facts if scope.may(Act.READ_PHONE) else without_phones(line.facts)


def without_phones(facts: Any, name: str = "") -> Any:
    """The facts of an entry with every phone number masked, for those who need not dial it."""
    if isinstance(facts, dict):
        return {key: without_phones(value, key) for key, value in facts.items()}
    if isinstance(facts, list):
        return [without_phones(value, name) for value in facts]
    return masked_phone(facts) if name in _PHONES and isinstance(facts, str) else facts


_PHONES = frozenset({"caller_phone", "phone", "phones"})
_CUSTOMERS = frozenset({"ticket", "survey", "order", "customer", "unit", "export"})
