"""Pages of notices: the inbox, one's own choices, the outlets and what went out by them."""

from typing import TypeVar

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.notices import commands, outlets, queries
from ticketing.casefile.notices.delivering import Parcel
from ticketing.casefile.notices.forms import ChoiceForm, EditRobotForm, ReadAllForm, RobotForm
from ticketing.casefile.notices.models import DeliveryState, NoticeKind, Outlet, Robot
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.enums import Labelled
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.text import row_id
from ticketing.kernel.wire import SendingFailed
from ticketing.masters.estate import queries as estate
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.settings import Settings

Member = TypeVar("Member", bound=Labelled)

bp = Blueprint("notices", __name__, url_prefix="/notices")


@bp.get("/")
@requires()
def inbox() -> ResponseReturnValue:
    """One's own notices, newest first."""
    kind = _member(NoticeKind, "kind")
    lines, following = queries.inbox(
        current_scope(),
        unread_only=request.args.get("unread") == "1",
        kind=kind,
        before_id=request.args.get("after", type=row_id),
    )
    return render_template(
        "notices/inbox.html",
        lines=lines,
        following=following,
        kinds=NoticeKind,
        kind=kind,
        button=BaseForm(),
        read_all=ReadAllForm(data={"seen": lines[0].id if lines else 0}),
    )


@bp.post("/<int:notice_id>/open")
@requires()
def open_notice(notice_id: int) -> ResponseReturnValue:
    """Go where a notice leads; it has been read then."""
    notice = queries.notice_for(current_scope(), notice_id)
    path = notice.path if _is_local(notice.path) else url_for("notices.inbox")
    BaseForm().carry_out(commands.mark_read, notice, actor=current_user())
    return redirect(path)


@bp.post("/read-all")
@requires()
def read_all() -> ResponseReturnValue:
    """Everything on the page, and before it, has been read."""
    ReadAllForm().carry_out(commands.mark_all_read, actor=current_user())
    return redirect(url_for("notices.inbox"))


@bp.route("/choices", methods=["GET", "POST"])
@requires()
def choices() -> ResponseReturnValue:
    """What reaches a person outside the app."""
    user = current_user()
    form = ChoiceForm(data={"email": user.email, "mailed": queries.mailed_kinds(current_scope())})
    if form.carry_out(commands.choose, actor=user):
        flash("通知设置已保存。", "success")
        return redirect(url_for("notices.choices"))
    return render_template("notices/choices.html", form=form), form.status


@bp.get("/outlets/")
@requires(Act.MANAGE_OUTLETS)
def outlets_page() -> ResponseReturnValue:
    """Robots, the mail server, and the deliveries with those that failed."""
    state = _member(DeliveryState, "state")
    rows, following = queries.deliveries(state, request.args.get("after", type=row_id))
    return render_template(
        "notices/outlets.html",
        robots=queries.robots(),
        communities={community.id: community.name for community in estate.all_communities()},
        kinds={kind.value: kind.label for kind in NoticeKind},
        masked=outlets.masked_address,
        outbox=queries.outbox(),
        rows=rows,
        following=following,
        states=DeliveryState,
        state=state,
        button=BaseForm(),
    )


@bp.route("/outlets/robots/new", methods=["GET", "POST"])
@bp.route("/outlets/robots/<int:robot_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_OUTLETS)
def robot(robot_id: int | None = None) -> ResponseReturnValue:
    """Make or change a group robot."""
    subject = None if robot_id is None else queries.robot(robot_id)
    form = _robot_form(subject)
    if form.carry_out(
        commands.save_robot, subject, allowed=_settings().webhook_hosts, actor=current_user()
    ):
        flash("机器人已保存，请试发一条。", "success")
        return redirect(url_for("notices.outlets_page"))
    if subject is not None and form.conflict is not None:
        form.version.data, form.version.raw_data = subject.version, None
    return (
        render_template(
            "notices/robot.html",
            form=form,
            robot=subject,
            known=outlets.masked_address(subject.address) if subject else "",
        ),
        form.status,
    )


def _robot_form(robot: Robot | None) -> RobotForm:
    form: RobotForm
    if robot is None:
        form = RobotForm()
    else:
        wanted = [NoticeKind(value) for value in robot.kinds.split()]
        form = EditRobotForm(
            data={
                "name": robot.name,
                "outlet": robot.outlet,
                "kinds": wanted,
                "community_id": robot.community_id,
                "active": robot.active,
                "version": robot.version,
            }
        )
    form.community_id.offer((one.id, one.name) for one in estate.all_communities())
    return form


@bp.post("/outlets/robots/<int:robot_id>/try")
@requires(Act.MANAGE_OUTLETS)
def try_robot(robot_id: int) -> ResponseReturnValue:
    """Send a trial message to a robot at once and say what came of it."""
    subject = queries.robot(robot_id)
    error = _try(_trial(subject.outlet, subject.address, subject.secret))
    subject = queries.robot(robot_id)
    with transaction():
        commands.note_trial(subject, error=error, actor=current_user())
    _say(error, f"{subject.name}已收到试发消息。")
    return redirect(url_for("notices.outlets_page"))


@bp.post("/outlets/mail/try")
@requires(Act.MANAGE_OUTLETS)
def try_mail() -> ResponseReturnValue:
    """Send a trial mail to one's own mailbox at once and say what came of it."""
    mailbox = current_user().email
    if mailbox:
        _say(_try(_trial(Outlet.EMAIL, mailbox)), f"已向 {mailbox} 发出试发邮件。")
    else:
        flash("请先在“通知设置”里填写自己的邮箱。", "danger")
    return redirect(url_for("notices.outlets_page"))


@bp.post("/outlets/deliveries/<int:delivery_id>/resend")
@requires(Act.MANAGE_OUTLETS)
def resend(delivery_id: int) -> ResponseReturnValue:
    """Let one dead delivery be tried anew."""
    form = BaseForm()
    done = form.carry_out(commands.resend, queries.delivery(delivery_id), actor=current_user())
    _say("" if done else form.refusal, "已放回待发送。")
    return redirect(url_for("notices.outlets_page", state="dead"))


@bp.post("/outlets/deliveries/resend")
@requires(Act.MANAGE_OUTLETS)
def resend_all() -> ResponseReturnValue:
    """Let every dead delivery be tried anew."""
    form = BaseForm()
    done = form.carry_out(commands.resend_all, actor=current_user())
    _say("" if done else form.refusal, "全部放回待发送。")
    return redirect(url_for("notices.outlets_page", state="waiting"))


def _trial(outlet: Outlet, to: str, secret: str = "") -> Parcel:
    """A trial message, different from every other one."""
    at = clock.now()
    return Parcel(
        id=0,
        event=f"trial:{at.isoformat()}:{current_user().id}",
        kind=NoticeKind.REPORT,
        outlet=outlet,
        recipient=to,
        robot_id=None,
        to=to,
        secret=secret,
        title="试发",
        body=f"这是一条试发消息，{clock.show_instant(at)} 由{current_user().name}发出。",
        path=url_for("notices.inbox"),
        urgent=True,
        at=at,
        attempts=1,
    )


def _try(parcel: Parcel) -> str:
    """Send at once, outside any transaction; the error in words, or nothing."""
    db.session.rollback()
    try:
        outlets.sender(_settings())(parcel)
    except SendingFailed as failure:
        return failure.sentence
    return ""


def _say(error: str, success: str) -> None:
    flash(f"没有成功：{error}" if error else success, "danger" if error else "success")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["ticketing"]
    return settings


def _is_local(path: str) -> bool:
    """Whether a path leads into this site and nowhere else."""
    return path.startswith("/") and not path.startswith(("//", "/\\"))


def _member(kinds: type[Member], name: str) -> Member | None:
    """The member a filter of the address names; what makes no sense is no filter."""
    return next((one for one in kinds if one.value == request.args.get(name)), None)
