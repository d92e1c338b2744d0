"""Pages of reconciliation: the files, one file beside the books, which column is what."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.banking import commands, queries, tables
from ticketing.books.banking.forms import BankFileForm, ColumnsForm, as_data
from ticketing.books.banking.models import BankFile, Way
from ticketing.books.banking.reading import Layout
from ticketing.books.banking.tables import Row
from ticketing.kernel.errors import Invalid
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_user, holding_nothing, requires
from ticketing.procedure.permissions import Act

bp = Blueprint("banking", __name__, url_prefix="/finance/bank")

SHOWS = {"all": "全部", "matched": "已核对", "left": "银行有、账上没有", "refunds": "退款"}
SAMPLED = 12
"""Rows of a table shown where its columns are chosen."""


@bp.get("/")
@requires(Act.READ_BOOKS)
def index() -> ResponseReturnValue:
    """The bank's files, the newest first (procedure 2.6)."""
    return _files(BankFileForm(formdata=None))


@bp.post("/")
@requires(Act.RECONCILE)
def take_in() -> ResponseReturnValue:
    """Take in a file of the bank."""
    form = BankFileForm()
    if not form.validate():
        form.status = 422
        return _files(form)
    name, rows = form.file.data.filename or "", _let_in(form)
    if rows is not None and form.carry_out(
        commands.take_in, rows=rows, file_name=name, actor=current_user()
    ):
        return redirect(url_for("banking.show", file_id=int(form.outcome)))
    return _files(form)


def _files(form: BankFileForm) -> ResponseReturnValue:
    page = render_template("finance/bank_files.html", form=form, files=queries.files())
    return page, form.status


def _let_in(form: BankFileForm) -> list[Row] | None:
    """Read the upload; None where it was refused."""
    try:
        with holding_nothing():
            return tables.read(form.file.data)
    except Invalid as refused:
        form.refuse(refused)
        return None


@bp.get("/<int:file_id>")
@requires(Act.READ_BOOKS)
def show(file_id: int) -> ResponseReturnValue:
    """One file: its sums, its lines beside the payments of the books, what agrees on neither side."""
    file = queries.file(file_id)
    if not file.columns:
        return redirect(url_for("banking.columns", file_id=file_id))
    return _page(file, BaseForm(formdata=None))


def _page(file: BankFile, form: BaseForm) -> ResponseReturnValue:
    shown = request.args.get("show", "left")
    shown = shown if shown in SHOWS else "left"
    after = request.args.get("after", default=0, type=row_id)
    rows, following = queries.lines(file.id, shown, after)
    days = queries.span(file.id)
    page = render_template(
        "finance/bank_file.html",
        file=file,
        days=days,
        totals=queries.totals(file.id),
        rows=rows,
        following=following,
        shown=shown,
        shows=SHOWS,
        ways=Way,
        missing=queries.unmatched_payments(days) if days else (),
        form=form,
    )
    return page, form.status


@bp.post("/<int:file_id>/match")
@requires(Act.RECONCILE)
def match(file_id: int) -> ResponseReturnValue:
    """Pair what is still open with what was released meanwhile."""
    file, form = queries.file(file_id), BaseForm()
    if form.carry_out(commands.match_again, file, actor=current_user()):
        flash("已重新核对。", "success")
        return redirect(url_for("banking.show", file_id=file_id))
    return _page(file, form)


@bp.route("/<int:file_id>/columns", methods=["GET", "POST"])
@requires(Act.RECONCILE)
def columns(file_id: int) -> ResponseReturnValue:
    """Say which column is what (procedure 2.6)."""
    file = queries.file(file_id)
    rows, layout = commands.rows_of(file)[: SAMPLED + 1], commands.layout_of(file)
    layout = layout if layout.columns else Layout(rows[0].number, {})
    form = ColumnsForm(data=as_data(layout))
    width = max(len(row.cells) for row in rows)
    head = next((row for row in rows if row.number == layout.head), rows[0])
    samples = [*head.cells, *[""] * (width - len(head.cells))]
    form.offer([row.number for row in rows], width, samples)
    if form.carry_out(commands.map_columns, file, actor=current_user()):
        return redirect(url_for("banking.show", file_id=file_id))
    page = render_template("finance/bank_columns.html", file=file, rows=rows, form=form)
    return page, form.status
