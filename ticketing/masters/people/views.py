"""Pages of people: sign-in and out, set-up, own account, accounts, departments, role confirmation."""

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError, NotFound
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.locking import reading
from ticketing.masters.estate import queries as estate
from ticketing.masters.people import commands, departments, queries, setting_up
from ticketing.masters.people.forms import (
    AccountForm,
    DepartmentForm,
    EditAccountForm,
    NewAccountForm,
    PasswordForm,
    ResetPasswordForm,
    SetUpForm,
    SignInForm,
)
from ticketing.masters.people.guard import Visitor, current_scope, current_user, public, requires
from ticketing.masters.people.models import Department, RoleGrant, User
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role

bp = Blueprint("people", __name__)


HOMES = (
    (Act.DIRECT, "escalation.index"),
    (Act.READ_TICKET, "tickets.index"),
    (Act.READ_OWN_ORDERS, "phone.index"),
    (Act.READ_REPORT, "reports.index"),
    (Act.MANAGE_PEOPLE, "people.index"),
)
"""The first page of a person: the major complaints of who decides on them, a work list if he has one, a captain's orders."""


OWN_HOMES = (
    (Role.DEPUTY_CHIEF_ENGINEER, "/orders/?pile=mine"),
    (Role.FINANCE, "/finance/"),
    (Role.CASHIER, "/finance/"),
)
"""The first page of a role whose work no act of `HOMES` tells."""


@requires()
def home() -> ResponseReturnValue:
    """Lead a person to his first page."""
    for role, address in OWN_HOMES:
        if role in current_scope().roles:
            return redirect(address)
    for act, endpoint in HOMES:
        if current_scope().may(act):
            return redirect(url_for(endpoint))
    return redirect(url_for("people.account"))


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Open a session; a demo database offers its accounts by role."""
    if not queries.any_user():
        return redirect(url_for("people.set_up"))
    form = SignInForm()
    if request.method == "POST":
        if form.validate() and _enter(form):
            return redirect(_wanted_page())
        form.status = form.status if form.status != 200 else 422
    demo = _demo_accounts() if current_app.extensions["ticketing"].demo else []
    return render_template("people/sign_in.html", form=form, demo=demo), form.status


def _demo_accounts() -> list[User]:
    """The accounts of a demo database in the order of the road: the clerk first."""
    order = list(Role)
    accounts = [user for user in queries.users() if user.active and user.roles]
    return sorted(accounts, key=lambda user: (min(map(order.index, user.roles)), user.id))


def _enter(form: SignInForm) -> bool:
    """Compare the password outside any write transaction, then open the session."""
    username, password = (form.username.data or "").lower(), form.password.data or ""
    db.session.rollback()
    with reading():
        right = commands.password_is_right(queries.user_by_name(username), password)
        db.session.rollback()
    refusal: DomainError | None = None
    with transaction():
        try:
            token = commands.sign_in(
                username,
                right=right,
                address=request.remote_addr or "",
                browser=request.user_agent.string,
            )
        except DomainError as error:
            refusal = error
    if refusal is not None:
        form.refuse(refusal)
        return False
    user = queries.user_by_name(username)
    assert user is not None
    wanted = session.get("after_sign_in")
    session.clear()
    session["after_sign_in"] = wanted
    login_user(Visitor(user, token))
    return True


def _wanted_page() -> str:
    """Where the person was going before he was asked to sign in; only addresses of this site."""
    wanted = session.pop("after_sign_in", None)
    if isinstance(wanted, str) and wanted.startswith("/") and not wanted.startswith(("//", "/\\")):
        return wanted
    return url_for("home")


@bp.post("/sign-out")
@requires(with_one_time_password=True)
def sign_out() -> ResponseReturnValue:
    """End this session on the server and in the browser."""
    with transaction():
        commands.sign_out(str(session.get("_user_id", "")))
    logout_user()
    session.clear()
    return redirect(url_for("people.sign_in"))


@bp.route("/set-up", methods=["GET", "POST"])
@public
def set_up() -> ResponseReturnValue:
    """Make the first administrator with the one-time code; closed for good once anybody exists."""
    if queries.any_user():
        raise NotFound
    form = SetUpForm()
    if form.carry_out(setting_up.set_up):
        flash("管理员已建立，请登录。", "success")
        return redirect(url_for("people.sign_in"))
    return render_template("people/set_up.html", form=form), form.status


@bp.route("/account", methods=["GET", "POST"])
@requires(with_one_time_password=True)
def account() -> ResponseReturnValue:
    """One's own account: roles, open sessions, password."""
    form = PasswordForm()
    user = current_user()
    if form.carry_out(commands.change_own_password, user, actor=user):
        session.clear()
        flash("密码已修改，请用新密码登录。", "success")
        return redirect(url_for("people.sign_in"))
    return (
        render_template(
            "people/account.html", form=form, user=user, sign_ins=queries.live_sign_ins(user.id)
        ),
        form.status,
    )


@bp.get("/people/")
@requires(Act.MANAGE_PEOPLE, Act.CONFIRM_ROLE)
def index() -> ResponseReturnValue:
    """Accounts, departments, and grants waiting for a second person."""
    pending = queries.pending_grants()
    return render_template(
        "people/index.html",
        users=queries.users(),
        departments=queries.departments(),
        pending=pending,
        numbers=queries.employee_numbers({one.user_id for one in pending}),
        confirm=BaseForm(),
    )


@bp.route("/people/new", methods=["GET", "POST"])
@requires(Act.MANAGE_PEOPLE)
def new_user() -> ResponseReturnValue:
    """Open an account."""
    form = NewAccountForm()
    _offer(form)
    if form.carry_out(commands.open_account, actor=current_user()):
        flash("账号已建立，本人登录后须先修改密码；业务岗位须由第二人确认后生效。", "success")
        return redirect(url_for("people.index"))
    return render_template("people/user.html", form=form, user=None), form.status


@bp.route("/people/<int:user_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_PEOPLE)
def edit_user(user_id: int) -> ResponseReturnValue:
    """Change an account, its roles and communities."""
    user = queries.user(user_id)
    form = EditAccountForm(
        obj=user,
        data={
            "roles": [grant.role for grant in user.grants],
            "community_ids": [posting.community_id for posting in user.postings],
        },
    )
    _offer(form)
    if form.carry_out(commands.edit_user, user, actor=current_user()):
        waiting = "、".join(one.role.label for one in user.grants if not one.in_force)
        flash(f"已保存；{waiting}待第二人确认后生效。" if waiting else "已保存。", "success")
        return redirect(url_for("people.index"))
    if form.conflict is not None:
        form.version.data, form.version.raw_data = user.version, None
    return (
        render_template(
            "people/user.html",
            form=form,
            user=user,
            reset=ResetPasswordForm(formdata=None),
            sign_ins=queries.live_sign_ins(user.id),
        ),
        form.status,
    )


def _offer(form: AccountForm) -> None:
    form.department_id.offer((d.id, d.name) for d in queries.departments())
    form.community_ids.offer((c.id, c.name) for c in estate.all_communities())


@bp.post("/people/<int:user_id>/password")
@requires(Act.MANAGE_PEOPLE)
def reset_password(user_id: int) -> ResponseReturnValue:
    """Give somebody a one-time password and end his sessions."""
    user, form = queries.user(user_id), ResetPasswordForm()
    if form.carry_out(commands.give_password, user, actor=current_user()):
        flash(f"{user.name}的密码已重置；对方登录后须先修改密码。", "success")
        return redirect(url_for("people.index"))
    return render_template("people/reset.html", form=form, user=user), form.status


@bp.post("/people/<int:user_id>/revoke")
@requires(Act.MANAGE_PEOPLE)
def revoke(user_id: int) -> ResponseReturnValue:
    """End all of somebody's sessions."""
    user, form = queries.user(user_id), BaseForm()
    if form.carry_out(commands.revoke_sign_ins, user, actor=current_user()):
        flash(f"{user.name}的登录已全部失效。", "success")
    return redirect(url_for("people.edit_user", user_id=user.id))


@bp.post("/people/grants/<int:grant_id>/confirm")
@requires(Act.CONFIRM_ROLE)
def confirm_role(grant_id: int) -> ResponseReturnValue:
    """The second person puts a business role in force."""
    grant = db.session.get(RoleGrant, grant_id)
    if grant is None:
        raise NotFound
    form = BaseForm()
    if not form.carry_out(commands.confirm_role, grant, actor=current_user()):
        return render_template("error.html", status=form.status, sentence=form.refusal), form.status
    flash("授权已生效。", "success")
    return redirect(url_for("people.index"))


@bp.route("/people/departments/new", methods=["GET", "POST"])
@bp.route("/people/departments/<int:department_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_PEOPLE)
def department(department_id: int | None = None) -> ResponseReturnValue:
    """Make or change a department and name its complaint handler and its head."""
    subject: Department | None = (
        None if department_id is None else queries.department(department_id)
    )
    form = DepartmentForm(obj=subject)
    members: list[User] = subject.members if subject else []
    for field in (form.handler_id, form.head_id):
        field.offer((u.id, u.name) for u in members if u.active)
    if form.carry_out(departments.save_department, subject, actor=current_user()):
        flash("部门已保存。", "success")
        return redirect(url_for("people.index"))
    return render_template("people/department.html", form=form, department=subject), form.status
