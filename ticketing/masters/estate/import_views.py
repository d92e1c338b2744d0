"""Pages of the import: template, upload, the run with its progress and problems, confirmation."""

import secrets
import threading
from pathlib import Path

from flask import (
    Blueprint,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue

from ticketing.kernel import excel, workbook
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.forms import BaseForm
from ticketing.kernel.locking import reading
from ticketing.masters.estate import importing, paper, queries, runs
from ticketing.masters.estate.forms import UploadForm
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act

bp = Blueprint("imports", __name__, url_prefix="/imports")
SHOWN_PROBLEMS = 200


@bp.get("/template.xlsx")
@requires(Act.IMPORT_ESTATE)
def template() -> ResponseReturnValue:
    """The workbook to fill in, with the person's communities on its second sheet."""
    book = paper.template(queries.communities(current_scope()))
    return send_file(
        book, mimetype=excel.MIMETYPE, as_attachment=True, download_name="房产客户导入模板.xlsx"
    )


@bp.route("/", methods=["GET", "POST"])
@requires(Act.IMPORT_ESTATE)
def index() -> ResponseReturnValue:
    """Upload a workbook; the earlier runs of the person stand below."""
    form = UploadForm()
    if request.method == "POST" and form.validate():
        upload = _folder() / f"{secrets.token_hex(16)}.upload"
        try:
            _let_in(form, upload)
            if form.status == 200 and form.carry_out(
                runs.begin,
                upload=upload,
                file_name=form.file.data.filename or "",
                actor=current_user(),
            ):
                run_id = int(form.outcome)
                if form.result is not None:
                    _start(importing.check, run_id)
                return redirect(url_for("estate.imports.show", run_id=run_id))
        finally:
            upload.unlink(missing_ok=True)
    elif request.method == "POST":
        form.status = 422
    return (
        render_template("estate/imports.html", form=form, runs=runs.imports_of(current_user().id)),
        form.status,
    )


def _let_in(form: UploadForm, upload: Path) -> None:
    """Keep the upload and look through it, holding no transaction meanwhile."""
    db.session.rollback()
    with reading():
        form.file.data.save(upload)
        upload.chmod(0o600)
        try:
            workbook.guard(upload)
        except workbook.Refused as refused:
            form.refuse(Invalid(str(refused), field="file"))


@bp.get("/<int:run_id>")
@requires(Act.IMPORT_ESTATE)
def show(run_id: int) -> ResponseReturnValue:
    """One run: how far it has come, what is wrong or what would change, and what became of it."""
    run = runs.import_run(current_user().id, run_id)
    return render_template(
        "estate/import.html",
        run=run,
        shown=run.problems[:SHOWN_PROBLEMS],
        cut_off=runs.cut_off(run),
        at_work=run.stage in runs.AT_WORK,
        may_confirm=runs.may_confirm(run),
        form=BaseForm(formdata=None),
    )


@bp.get("/<int:run_id>/progress")
@requires(Act.IMPORT_ESTATE)
def progress(run_id: int) -> ResponseReturnValue:
    """How far the run has come, for the page that waits for it."""
    run = runs.import_run(current_user().id, run_id)
    return jsonify(
        stage=run.stage.value,
        label=run.stage.label,
        done=run.done,
        total=run.total,
        finished=run.stage not in runs.AT_WORK or runs.cut_off(run),
    )


@bp.post("/<int:run_id>/confirm")
@requires(Act.IMPORT_ESTATE)
def confirm(run_id: int) -> ResponseReturnValue:
    """Write what was checked, in the background."""
    run, form = runs.import_run(current_user().id, run_id), BaseForm()
    if not form.carry_out(runs.confirm, run, actor=current_user()):
        return render_template("error.html", status=form.status, sentence=form.refusal), form.status
    if form.result is not None:
        _start(importing.carry_out, run_id)
    return redirect(url_for("estate.imports.show", run_id=run_id))


@bp.post("/<int:run_id>/resume")
@requires(Act.IMPORT_ESTATE)
def resume(run_id: int) -> ResponseReturnValue:
    """Finish a run that was cut off after its facts were written."""
    run, form = runs.import_run(current_user().id, run_id), BaseForm()
    if not form.carry_out(runs.resume, run, actor=current_user()):
        return render_template("error.html", status=form.status, sentence=form.refusal), form.status
    if form.result is not None:
        _start(importing.carry_on, run_id)
    return redirect(url_for("estate.imports.show", run_id=run_id))


@bp.post("/<int:run_id>/drop")
@requires(Act.IMPORT_ESTATE)
def drop(run_id: int) -> ResponseReturnValue:
    """Give up a run that was checked but not written."""
    run, form = runs.import_run(current_user().id, run_id), BaseForm()
    if not form.carry_out(runs.drop, run, folder=_folder(), actor=current_user()):
        return render_template("error.html", status=form.status, sentence=form.refusal), form.status
    flash("已放弃，没有导入任何内容。", "success")
    return redirect(url_for("estate.imports.index"))


def _folder() -> Path:
    folder: Path = current_app.extensions["ticketing"].instance / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _start(work: importing.Work, run_id: int) -> None:
    """Let `work` go on beside the server, in an application context and a session of its own."""
    app, folder = current_app._get_current_object(), _folder()  # type: ignore[attr-defined]

    def go() -> None:
        with app.app_context():
            try:
                work(run_id, folder)
            finally:
                db.session.remove()

    threading.Thread(target=go, name=f"import-{run_id}", daemon=True).start()
