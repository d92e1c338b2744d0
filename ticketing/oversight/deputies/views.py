"""The page 我的代理: name somebody, take it back, see in whose name one signs (trust: S10)."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock
from ticketing.kernel.forms import BaseForm
from ticketing.masters.people import deputies
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.oversight.deputies import commands
from ticketing.oversight.deputies.forms import DeputyForm
from ticketing.procedure.permissions import SIGNING_ROLES, Act

bp = Blueprint("deputies", __name__, url_prefix="/deputies")


@bp.get("/")
@requires()
def index() -> ResponseReturnValue:
    """Whom one named, and who named one."""
    return _page(DeputyForm(data={"begins_on": clock.today()}))


@bp.post("/")
@requires(Act.NAME_DEPUTY)
def name() -> ResponseReturnValue:
    """Name who signs in one's name for some days."""
    form = DeputyForm()
    _offer(form)
    if form.carry_out(commands.name_deputy, actor=current_user()):
        flash("已委托，代理人和客户服务部经理会收到通知。", "success")
        return redirect(url_for("deputies.index"))
    return _page(form)


@bp.post("/<int:deputyship_id>/revoke")
@requires(Act.NAME_DEPUTY)
def revoke(deputyship_id: int) -> ResponseReturnValue:
    """Take it back at once."""
    form, actor = BaseForm(), current_user()
    if form.carry_out(commands.revoke, deputies.own(actor, deputyship_id), actor=actor):
        flash("已撤销，即时生效。", "success")
        return redirect(url_for("deputies.index"))
    return render_template("error.html", status=form.status, sentence=form.refusal), form.status


def _offer(form: DeputyForm) -> None:
    """The people who may be named, by department."""
    people = deputies.possible_deputies(current_user())
    form.deputy_id.offer(
        [
            (one.id, f"{one.name}（{'、'.join(sorted(role.label for role in one.roles))}）")
            for one in people
        ],
        groups=[one.department.name if one.department else "其他" for one in people],
    )


def _page(form: DeputyForm) -> ResponseReturnValue:
    user = current_user()
    names = current_scope().may(Act.NAME_DEPUTY)
    if names:
        _offer(form)
    known = deputies.concerning(user)
    page = render_template(
        "deputies/index.html",
        form=form,
        plain=BaseForm(formdata=None),
        names=names,
        signs=sorted(role.label for role in user.roles & SIGNING_ROLES),
        given=[one for one in known if one.principal_id == user.id],
        held=[one for one in known if one.deputy_id == user.id],
    )
    return page, form.status
