"""Pages of finance's desk."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.banking.queries import files
from ticketing.books.desk import commands, paper, queries
from ticketing.books.desk.forms import CodeForm
from ticketing.books.ledger import queries as ledger
from ticketing.books.retention.queries import BANDS
from ticketing.kernel import clock
from ticketing.kernel.errors import Invalid
from ticketing.masters.contractors.queries import contractor, contractors
from ticketing.masters.people.guard import current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.procedure.accounts import AccountKind
from ticketing.procedure.permissions import Act

bp = Blueprint("desk", __name__, url_prefix="/finance")


def _day(name: str) -> date | None:
    return request.args.get(name, type=date.fromisoformat)


@bp.get("/")
@requires(Act.READ_BOOKS)
def index() -> ResponseReturnValue:
    """What waits at finance's desk (procedure 2.6, 3.5.9)."""
    return render_template("finance/desk.html", all=queries.overview(), files=files(5))


@bp.get("/deductions")
@requires(Act.READ_BOOKS)
def deductions() -> ResponseReturnValue:
    """What is to be deducted from deposits when it is paid, and where they are short (procedure 3.5.9)."""
    return render_template("finance/deductions.html", rows=queries.deductions())


@bp.get("/statements")
@requires(Act.READ_BOOKS)
def statements() -> ResponseReturnValue:
    """The contractors that have a deposit or a debt, with what each is owed and owes."""
    rows = [(one, held) for one in contractors() if (held := ledger.accounts_of(one.id))]
    return render_template("finance/statements.html", rows=rows, kinds=AccountKind)


@bp.get("/statements/<int:contractor_id>")
@requires(Act.READ_BOOKS)
def statement(contractor_id: int) -> ResponseReturnValue:
    """A contractor's statement over a period, to read or to print on A4 (procedure 2.6)."""
    since, until = _day("since"), _day("until")
    subject = contractor(contractor_id)
    return render_template(
        "finance/statement.html",
        statement=queries.contractor_statement(subject, since, until),
        since=since,
        until=until,
        now=clock.now(),
    )


@bp.get("/statements/<int:contractor_id>.xlsx")
@requires(Act.EXPORT_BOOKS)
def statement_book(contractor_id: int) -> ResponseReturnValue:
    """The same as a workbook; journalled."""
    since, until = _day("since"), _day("until")
    found = queries.contractor_statement(contractor(contractor_id), since, until)
    title = f"对账单 {found.contractor.name}"
    return hand_out(title, lambda path: paper.write_statement(path, found, since, until))


@bp.get("/vouchers")
@requires(Act.READ_BOOKS)
def vouchers() -> ResponseReturnValue:
    """The export of vouchers: its period, and whether every account has its code (docs/vouchers.zh.md)."""
    today = clock.today()
    since = _day("since") or today.replace(day=1)
    until = _day("until") or today
    entries = ledger.all_entries(ledger.Wanted(since=since, until=until))
    used = {line.account.kind for entry in entries for line in entry.lines}
    codes = queries.codes()
    return render_template(
        "finance/vouchers.html",
        since=since,
        until=until,
        count=len(entries),
        debit_fen=sum(
            line.amount_fen for entry in entries for line in entry.lines if line.amount_fen > 0
        ),
        missing=[kind for kind in AccountKind if kind in used and kind not in codes],
        heads=paper.VOUCHER_HEADS,
    )


@bp.get("/vouchers.xlsx")
@requires(Act.EXPORT_BOOKS)
def voucher_book() -> ResponseReturnValue:
    """The vouchers of a period as a workbook; journalled. Raises Invalid where an account has no code."""
    wanted = ledger.Wanted(since=_day("since"), until=_day("until"))
    if wanted.since is None or wanted.until is None:
        raise Invalid("请选择凭证的起止日期。")
    entries, codes = ledger.all_entries(wanted), queries.codes()
    title = f"凭证 {wanted.since} 至 {wanted.until}"
    return hand_out(title, lambda path: paper.write_vouchers(path, entries, codes))


@bp.get("/codes")
@requires(Act.READ_BOOKS)
def codes() -> ResponseReturnValue:
    """Under which codes the accounting system keeps the accounts (docs/vouchers.zh.md)."""
    return _codes(CodeForm(formdata=None))


@bp.post("/codes")
@requires(Act.MAP_ACCOUNTS)
def map_account() -> ResponseReturnValue:
    """Say under which code an account goes."""
    form = CodeForm()
    if form.carry_out(commands.map_account, actor=current_user()):
        flash("科目编码已保存。", "success")
        return redirect(url_for("desk.codes"))
    return _codes(form)


def _codes(form: CodeForm) -> ResponseReturnValue:
    page = render_template(
        "finance/codes.html", form=form, codes=queries.codes(), kinds=AccountKind
    )
    return page, form.status


@bp.get("/year-end")
@requires(Act.READ_BOOKS)
def year_end() -> ResponseReturnValue:
    """The books at the end of a year (procedure 2.6, 3.6)."""
    this = clock.today().year
    asked = request.args.get("year", default=this, type=int)
    year = asked if 2000 <= asked <= this else this
    return render_template(
        "finance/year_end.html",
        books=queries.year_end(year),
        years=range(this, this - 5, -1),
        bands=BANDS,
    )
