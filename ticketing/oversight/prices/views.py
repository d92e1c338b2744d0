"""Pages of a contract's price list: what counts now, its versions, one version beside the one before, its import."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock, excel, workbook
from ticketing.kernel.errors import Invalid
from ticketing.kernel.sheet_rows import Problem
from ticketing.kernel.text import clean_line
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.guard import current_scope, current_user, holding_nothing, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.masters.prices import commands as masters
from ticketing.masters.prices import paper, queries
from ticketing.masters.prices.models import ListState, PriceList
from ticketing.masters.prices.rows import SHEET, Price, Reader
from ticketing.oversight.prices import commands
from ticketing.oversight.prices.forms import DeclineForm, ImportForm, StepForm
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import PriceBasis, deviation

bp = Blueprint("prices", __name__, url_prefix="/contractors/contracts/<int:contract_id>/prices")

SHOWN_PROBLEMS = 200


class Told(NamedTuple):
    """A version of the history: until when it counted (None: still, or it never did), how many lines it has."""

    version: PriceList
    until: date | None
    lines: int


@bp.get("/")
@requires(Act.READ_PRICES)
def index(contract_id: int) -> ResponseReturnValue:
    """The prices that count now, searched by code, name or initials; every version with its dates (procedure 3.5.5)."""
    contract = _contract(contract_id)
    versions = queries.versions(contract_id)
    present = queries.present(contract_id)
    typed = clean_line(request.args.get("q", ""))[:60]
    return render_template(
        "prices/index.html",
        contract=contract,
        present=present,
        typed=typed,
        lines=queries.lines(present.id, typed) if present else [],
        history=_history(versions),
        open_version=next((one for one in versions if one.state.is_open), None),
    )


def _history(versions: Sequence[PriceList]) -> list[Told]:
    counts = queries.count_lines(one.id for one in versions)
    begins = sorted(one.valid_from for one in versions if one.state is ListState.IN_FORCE)
    told = []
    for one in versions:
        later = [day for day in begins if day > one.valid_from]
        ended = one.state is ListState.IN_FORCE and later
        until = later[0] - timedelta(days=1) if ended else None
        told.append(Told(one, until, counts.get(one.id, 0)))
    return told


@bp.get("/<int:list_id>")
@requires(Act.READ_PRICES)
def show(contract_id: int, list_id: int) -> ResponseReturnValue:
    """One version beside the one before it: new, gone, dearer and cheaper; what may be done about it (trust: S9)."""
    version = queries.version(_contract(contract_id), list_id)
    return _page(version, StepForm(), DeclineForm())


def _page(version: PriceList, step: StepForm, decline: DeclineForm) -> ResponseReturnValue:
    base = queries.before(version)
    lines = queries.lines(version.id)
    old = queries.lines(base.id) if base else []
    for form in (step, decline):
        form.version.data, form.version.raw_data = version.version, None
    own = version.entered_by.is_same_person(current_user())
    page = render_template(
        "prices/show.html",
        contract=version.contract,
        version=version,
        base=base,
        lines=lines,
        changes=queries.changes(old, lines),
        deviation=deviation,
        own=own,
        mine=version.entered_by_id == current_user().id,
        step=step,
        decline=decline,
    )
    return page, max(step.status, decline.status)


@bp.get("/template.xlsx")
@requires(Act.PROPOSE_PRICES)
def template(contract_id: int) -> ResponseReturnValue:
    """The workbook to fill in."""
    _contract(contract_id)
    return send_file(
        paper.template(),
        mimetype=excel.MIMETYPE,
        as_attachment=True,
        download_name="合同价目表模板.xlsx",
    )


@bp.get("/<int:list_id>/prices.xlsx")
@requires(Act.READ_PRICES)
def export(contract_id: int, list_id: int) -> ResponseReturnValue:
    """A version as a workbook in the layout of the template, to change and bring in again; journalled."""
    version = queries.version(_contract(contract_id), list_id)
    lines = queries.lines(list_id)
    return hand_out(
        f"合同价目表 {version.title}", lambda path: paper.write_version(path, version, lines)
    )


@bp.route("/import", methods=["GET", "POST"])
@requires(Act.PROPOSE_PRICES)
def bring_in(contract_id: int) -> ResponseReturnValue:
    """A filled workbook becomes a version, or nothing of it: every problem by row and column (procedure 3.5.6)."""
    contract = _contract(contract_id)
    present = queries.present(contract_id)
    basis = present.basis if present else PriceBasis.EXCLUSIVE
    form = ImportForm(data={"basis": basis, "valid_from": clock.today()})
    problems: list[Problem] = []
    if request.method == "POST":
        if not form.validate():
            form.status = 422
        else:
            prices, problems = _read(form)
            if form.status == 200 and form.carry_out(
                masters.draw_up, contract, prices=prices, actor=current_user()
            ):
                flash("已核对无误，请看与现行价目的差别，再提交总经理。", "success")
                return redirect(
                    url_for("prices.show", contract_id=contract_id, list_id=int(form.outcome))
                )
    page = render_template(
        "prices/import.html",
        contract=contract,
        present=present,
        form=form,
        problems=problems[:SHOWN_PROBLEMS],
        problem_count=len(problems),
    )
    return page, form.status


def _read(form: ImportForm) -> tuple[list[Price], list[Problem]]:
    """The prices of the uploaded workbook, or what is wrong with it."""
    reader = Reader()
    try:
        with holding_nothing():
            prices = reader.prices(workbook.rows_of_upload(form.file.data, SHEET))
    except workbook.Refused as refused:
        form.refuse(Invalid(str(refused), field="file"))
        return [], []
    problems = sorted(reader.problems)
    if problems:
        sentence = f"有 {len(problems)} 处错误，没有保存任何内容，请改正后重新选择文件。"
        form.refuse(Invalid(sentence, field="file"))
    return prices, problems


@bp.post("/<int:list_id>/propose")
@requires(Act.PROPOSE_PRICES)
def propose(contract_id: int, list_id: int) -> ResponseReturnValue:
    """Whoever drew it up sends it to the general manager."""
    return _step(contract_id, list_id, commands.propose, "已提交，等总经理同意后生效。")


@bp.post("/<int:list_id>/drop")
@requires(Act.PROPOSE_PRICES)
def drop(contract_id: int, list_id: int) -> ResponseReturnValue:
    """It is given up and stays in the history."""
    return _step(contract_id, list_id, masters.drop, "已放弃，现行价目没有变动。")


@bp.post("/<int:list_id>/agree")
@requires(Act.AGREE_PRICES)
def agree(contract_id: int, list_id: int) -> ResponseReturnValue:
    """The second person puts it in force (trust: S9)."""
    done = "已同意。此前签发的派工单仍按原价目。"
    return _step(contract_id, list_id, commands.agree, done)


@bp.post("/<int:list_id>/decline")
@requires(Act.AGREE_PRICES)
def decline(contract_id: int, list_id: int) -> ResponseReturnValue:
    """The second person declines it with the reason."""
    version = queries.version(_contract(contract_id), list_id)
    form = DeclineForm()
    if form.carry_out(commands.decline, version, actor=current_user()):
        return _done(contract_id, list_id, "已退回拟定人，现行价目没有变动。")
    return _page(_anew(contract_id, list_id), StepForm(formdata=None), form)


def _step(
    contract_id: int, list_id: int, command: Callable[..., Any], done: str
) -> ResponseReturnValue:
    version = queries.version(_contract(contract_id), list_id)
    form = StepForm()
    if form.carry_out(command, version, actor=current_user()):
        return _done(contract_id, list_id, done)
    return _page(_anew(contract_id, list_id), form, DeclineForm(formdata=None))


def _done(contract_id: int, list_id: int, words: str) -> ResponseReturnValue:
    flash(words, "success")
    return redirect(url_for("prices.show", contract_id=contract_id, list_id=list_id))


def _anew(contract_id: int, list_id: int) -> PriceList:
    """The version as it stands after what was refused was undone."""
    return queries.version(_contract(contract_id), list_id)


def _contract(contract_id: int) -> Contract:
    return contractors.contract(current_scope(), contract_id)
