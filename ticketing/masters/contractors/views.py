"""Pages of contractors, contracts, repair teams and warranty promises."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.kernel.text import row_id
from ticketing.masters.contractors import commands, queries
from ticketing.masters.contractors.forms import (
    ContractForm,
    ContractorForm,
    EditContractForm,
    EditContractorForm,
    EditTeamForm,
    EditWorkerForm,
    EndPromiseForm,
    PromiseForm,
    TeamForm,
    WorkerForm,
)
from ticketing.masters.contractors.models import Contract, RepairTeam, Worker
from ticketing.masters.estate import queries as estate
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Trade
from ticketing.procedure.warranty import STATUTORY, in_words

bp = Blueprint("contractors", __name__, url_prefix="/contractors")


@bp.get("/")
@requires(Act.READ_CONTRACTORS)
def index() -> ResponseReturnValue:
    """Who built and who repairs: contracts by community, companies, teams (procedure 2.6, 3.4.6, 3.5)."""
    scope = current_scope()
    contracts = queries.contracts(scope)
    by_community: dict[int, list[Contract]] = {}
    for contract in contracts:
        by_community.setdefault(contract.community_id, []).append(contract)
    return render_template(
        "contractors/index.html",
        communities=queries.communities(scope),
        contracts=by_community,
        liability={one.id: queries.liability(one) for one in contracts},
        unbuilt={
            community_id: [
                trade for trade in Trade if trade not in {t.trade for c in some for t in c.trades}
            ]
            for community_id, some in by_community.items()
        },
        builders=queries.builders(scope),
        crews=queries.crews(scope),
        within=queries.places(scope),
    )


@bp.route("/new", methods=["GET", "POST"])
@bp.route("/<int:contractor_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def contractor(contractor_id: int | None = None) -> ResponseReturnValue:
    """Enter or change a contractor."""
    subject = queries.contractor_for(current_scope(), contractor_id) if contractor_id else None
    form = EditContractorForm(obj=subject) if subject else ContractorForm()
    if form.carry_out(commands.save_contractor, subject, actor=current_user()):
        return _saved("施工单位")
    return _page("contractor", form, subject)


@bp.route("/contracts/new", methods=["GET", "POST"])
@bp.route("/contracts/<int:contract_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def contract(contract_id: int | None = None) -> ResponseReturnValue:
    """Enter or change a contract (procedure 2.6, 3.4.6)."""
    scope = current_scope()
    subject = queries.contract(scope, contract_id) if contract_id else None
    form = _of_contract(subject) if subject else ContractForm(data=_start(ContractForm))
    form.contractor_id.offer(
        (one.id, one.name)
        for one in queries.contractors()
        if one.active or (subject and one.id == subject.contractor_id)
    )
    form.community_id.offer((one.id, one.name) for one in estate.communities(scope))
    if form.carry_out(commands.save_contract, subject, actor=current_user()):
        return _saved("合同")
    return _page("contract", form, subject)


def _start(form_class: type[BaseForm]) -> dict[str, Any]:
    """What a link from the overview already knows: ``?community=1&contractor=2``."""
    community_id = request.args.get("community", type=row_id)
    if form_class is TeamForm:
        return {"community_ids": [community_id] if community_id else [], "active": True}
    return {
        "community_id": community_id,
        "contractor_id": request.args.get("contractor", type=row_id),
        "liability_months": 24,
    }


def _of_contract(subject: Contract) -> EditContractForm:
    names = (
        "version",
        "contractor_id",
        "community_id",
        "number",
        "completed_on",
        "liability_months",
        "retention_fen",
        "agreement",
        "deemed_confirmation",
    )
    trades = [one.trade for one in subject.trades]
    return EditContractForm(
        data={"trades": trades} | {name: getattr(subject, name) for name in names}
    )


@bp.route("/teams/new", methods=["GET", "POST"])
@bp.route("/teams/<int:team_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def team(team_id: int | None = None) -> ResponseReturnValue:
    """Enter or change a repair team (procedure 3.5)."""
    scope = current_scope()
    subject = queries.crew(scope, team_id) if team_id else None
    form = _of_team(subject) if subject else TeamForm(data=_start(TeamForm))
    captains = [(one.id, one.name) for one in queries.captains()]
    if subject and subject.captain_id not in dict(captains):
        captains.append((subject.captain_id, f"{subject.captain.name}（已不是维修队长）"))
    form.captain_id.offer(captains)
    form.community_ids.offer((one.id, one.name) for one in estate.communities(scope))
    if form.carry_out(commands.save_team, subject, actor=current_user(), within=scope.communities):
        return _saved("维修队")
    return _page("team", form, subject, within=scope.communities)


def _of_team(subject: RepairTeam) -> EditTeamForm:
    within = current_scope().communities
    return EditTeamForm(
        data={
            "version": subject.version,
            "name": subject.name,
            "captain_id": subject.captain_id,
            "community_ids": [
                one.community_id
                for one in subject.areas
                if within is None or one.community_id in within
            ],
            "active": subject.active,
        }
    )


@bp.route("/teams/<int:team_id>/workers/new", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def add_worker(team_id: int) -> ResponseReturnValue:
    """Enter a worker of a team."""
    return _worker(None, queries.crew(current_scope(), team_id))


@bp.route("/workers/<int:worker_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def worker(worker_id: int) -> ResponseReturnValue:
    """Change a worker, or note that he has left the team."""
    subject = queries.worker(current_scope(), worker_id)
    return _worker(subject, subject.team)


def _worker(subject: Worker | None, crew: RepairTeam) -> ResponseReturnValue:
    form = EditWorkerForm(obj=subject) if subject else WorkerForm()
    if form.carry_out(commands.save_worker, subject, crew, actor=current_user()):
        return _saved("维修工人")
    return _page("worker", form, subject, team=crew)


@bp.get("/warranty")
@requires(Act.READ_CONTRACTORS)
def warranty() -> ResponseReturnValue:
    """Statutory periods, and beside them what was promised, agreed or set locally (procedure 3.4.6)."""
    scope = current_scope()
    within = queries.places(scope)
    return render_template(
        "contractors/warranty.html",
        periods=STATUTORY,
        promises=queries.promise_rows(scope),
        in_words=in_words,
        ends=lambda row: not row.withdrawn and (within is None or row.community_id in within),
    )


@bp.route("/warranty/new", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def promise() -> ResponseReturnValue:
    """Enter a longer warranty period (procedure 3.4.6)."""
    scope = current_scope()
    form = PromiseForm()
    form.community_id.blank = "" if scope.communities is not None else "全部小区"
    form.community_id.offer((one.id, one.name) for one in estate.communities(scope))
    if form.carry_out(commands.promise, actor=current_user(), within=scope.communities):
        flash("保修承诺已登记。", "success")
        return redirect(url_for("contractors.warranty"))
    return _page("promise", form, None)


@bp.route("/warranty/<int:promise_id>/end", methods=["GET", "POST"])
@requires(Act.MANAGE_CONTRACTORS)
def end_promise(promise_id: int) -> ResponseReturnValue:
    """Let a promise end, or withdraw one entered by mistake; it stays on the page (procedure 3.4.6)."""
    scope = current_scope()
    subject = queries.promise(scope, promise_id)
    form = EndPromiseForm(data={"version": subject.version, "until": subject.until})
    if form.carry_out(
        commands.end_promise, subject, actor=current_user(), within=scope.communities
    ):
        flash("已保存。", "success")
        return redirect(url_for("contractors.warranty"))
    return _page("end_promise", form, subject, in_words=in_words)


def _saved(what: str) -> ResponseReturnValue:
    flash(f"{what}已保存。", "success")
    return redirect(url_for("contractors.index"))


def _page(name: str, form: BaseForm, subject: Any, **more: Any) -> ResponseReturnValue:
    """The form; after a conflict it goes on from the present version, beside what is there now."""
    if isinstance(form, VersionedForm) and form.conflict is not None:
        form.version.data, form.version.raw_data = subject.version, None
    page = render_template(f"contractors/{name}.html", form=form, subject=subject, **more)
    return page, form.status
