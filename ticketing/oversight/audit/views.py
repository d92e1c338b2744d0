"""The audit page."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ticketing.journal import queries
from ticketing.kernel.db import db
from ticketing.masters.people.guard import requires
from ticketing.procedure.permissions import Act

bp = Blueprint("audit", __name__, url_prefix="/audit")

PAGE = 100
SUBJECTS = {
    "ticket": "登记表",
    "user": "人员",
    "department": "部门",
    "customer": "客户",
    "unit": "房产",
    "community": "小区",
    "service_office": "客户服务处",
    "report": "报表",
    "import": "导入",
    "export": "导出",
    "access": "被拒绝的访问",
}


@bp.get("/")
@requires(Act.READ_JOURNAL)
def index() -> ResponseReturnValue:
    """The newest entries, optionally of one kind, page by page."""
    subject = request.args.get("subject", "")
    before_id = request.args.get("after", type=int)
    query = queries.entries(subject=subject, before_id=before_id).limit(PAGE + 1)
    lines = queries.parsed(db.session.scalars(query))
    following = str(lines[PAGE - 1].entry.id) if len(lines) > PAGE else ""
    return render_template(
        "audit/index.html",
        lines=lines[:PAGE],
        following=following,
        subjects=SUBJECTS,
        subject=subject,
    )
