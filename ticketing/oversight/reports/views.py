"""Pages of reports: what is there and what is missing, one report, its life, its workbook."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from ticketing.journal.commands import record
from ticketing.journal.queries import story
from ticketing.kernel import clock, excel
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError
from ticketing.kernel.forms import VersionedForm
from ticketing.kernel.locking import reading
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.oversight.reports import behind, commands, paper, queries
from ticketing.oversight.reports.figures import Figures
from ticketing.oversight.reports.forms import CompileForm, RemarksForm, SubmitForm
from ticketing.oversight.reports.layout import tables
from ticketing.oversight.reports.models import Report
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import ReportStage

MOST_LISTED = 100
"""Rows of a list a page shows; the workbook has all."""

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("/")
@requires(Act.READ_REPORT)
def index() -> ResponseReturnValue:
    """The last weeks and quarters of the person's offices; what is missing is named (3.10.3)."""
    return _overview(CompileForm(formdata=None))


def _overview(form: CompileForm) -> ResponseReturnValue:
    overviews = queries.overviews(current_scope())
    return render_template("reports/index.html", overviews=overviews, form=form), form.status


@bp.post("/compile")
@requires(Act.COMPILE_REPORT)
def compile_report() -> ResponseReturnValue:
    """Count a period for the first time and open it (procedure 3.4.4, 3.10.3, 3.10.4)."""
    form, scope = CompileForm(), current_scope()
    figures = _counted(lambda: commands.count(*commands.not_yet_compiled(form.key.data, scope)))
    if form.carry_out(commands.compile_report, actor=current_user(), scope=scope, figures=figures):
        flash("已汇总。", "success")
        return redirect(url_for("reports.show", report_id=int(form.outcome)))
    return _overview(form)


def _counted(count: Callable[[], Figures]) -> Figures | None:
    """Count before the writing begins, so that nobody's saving waits for a quarter to be added up.

    None where that is refused: the command then says why, at its field.
    """
    db.session.rollback()
    with reading():
        try:
            return count()
        except DomainError:
            return None
        finally:
            db.session.rollback()


@bp.get("/<int:report_id>")
@requires(Act.READ_REPORT)
def show(report_id: int) -> ResponseReturnValue:
    """One report as it was compiled."""
    report = queries.report_for(current_scope(), report_id)
    return _page(report, None)


@bp.post("/<int:report_id>/recompile")
@requires(Act.COMPILE_REPORT)
def recompile(report_id: int) -> ResponseReturnValue:
    """Count again; an earlier check no longer holds."""
    report = queries.report_for(current_scope(), report_id)
    period, office = commands.period_of(report), report.office
    figures = None
    if report.stage is not ReportStage.SUBMITTED:
        figures = _counted(lambda: commands.count(period, office))
    return _step(report_id, RemarksForm(), commands.recompile, "已重新汇总。", figures=figures)


@bp.post("/<int:report_id>/check")
@requires(Act.CHECK_REPORT)
def check(report_id: int) -> ResponseReturnValue:
    """The second person vouches for the figures."""
    return _step(report_id, RemarksForm(), commands.check, "已复核。")


@bp.post("/<int:report_id>/submit")
@requires(Act.SUBMIT_REPORT)
def submit(report_id: int) -> ResponseReturnValue:
    """Hand the report in; it is frozen from then on."""
    return _step(report_id, SubmitForm(), commands.submit, "已上报，本报表不再变动。")


def _step(
    report_id: int, form: VersionedForm, command: Callable[..., Any], done: str, **more: Any
) -> ResponseReturnValue:
    report = queries.report_for(current_scope(), report_id)
    if form.carry_out(command, report, actor=current_user(), **more):
        flash(done, "success")
        return redirect(url_for("reports.show", report_id=report_id))
    return _page(queries.report_for(current_scope(), report_id), form)


def _page(report: Report, refused: VersionedForm | None) -> ResponseReturnValue:
    """The page of a report, with the form that was refused and what was typed in it, if any."""
    figures = commands.figures_of(report, listing=False)
    form = refused if isinstance(refused, RemarksForm) else RemarksForm(formdata=None)
    if form is not refused:
        form.remarks.data = report.remarks
    form.version.data, form.version.raw_data = report.version, None
    page = render_template(
        "reports/show.html",
        report=report,
        figures=figures,
        title=paper.title(report),
        head=paper.head(report, figures),
        tables=[one.shortened(MOST_LISTED) for one in tables(figures)],
        form=form,
        refused=refused,
        steps=commands.open_steps(report, current_user()),
        story=story(commands.SUBJECT, report.id),
    )
    return page, refused.status if refused else 200


@bp.get("/defects")
@requires(Act.READ_TICKET)
def defects() -> ResponseReturnValue:
    """The defects behind a figure of W3."""
    wanted = behind.defects_from_query(request.args)
    rows, following = behind.defects(current_scope(), wanted)
    return render_template("reports/defects.html", rows=rows, following=following, wanted=wanted)


@bp.get("/absences")
@requires(Act.READ_SURVEY)
def absences() -> ResponseReturnValue:
    """The surveys a contractor stayed away from, behind a figure of W4 (procedure 3.4.5)."""
    wanted = behind.absences_from_query(request.args)
    rows, following = behind.absences(current_scope(), wanted)
    return render_template("reports/absences.html", rows=rows, following=following, wanted=wanted)


@bp.get("/<int:report_id>/workbook.xlsx")
@requires(Act.EXPORT)
def workbook(report_id: int) -> ResponseReturnValue:
    """The report as an Excel workbook with the same numbers; the download is journalled (5.1)."""
    report = queries.report_for(current_scope(), report_id)
    figures = commands.figures_of(report)
    content = paper.write(report, figures)
    name, actor = paper.file_name(report, figures), current_user()
    with transaction(known=actor):
        record(
            commands.SUBJECT,
            report_id,
            Act.EXPORT.value,
            actor=actor,
            at=clock.now(),
            version=report.version,
        )
    return send_file(
        BytesIO(content), mimetype=excel.MIMETYPE, as_attachment=True, download_name=name
    )
