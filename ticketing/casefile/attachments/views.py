"""Pictures and papers: uploading, looking, downloading."""

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

from ticketing.casefile.attachments import commands, queries
from ticketing.casefile.attachments.forms import PAPERS, PICTURES, UploadForm
from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.casefile.attachments.queries import Place
from ticketing.kernel import pictures
from ticketing.kernel.errors import DomainError, NotFound
from ticketing.kernel.storage import Store
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Slot

bp = Blueprint("attachments", __name__, url_prefix="/files")

ALONE = "default-src 'none'; sandbox"
"""The policy of a file: whatever a browser took it for, it may load and run nothing."""


@bp.get("/new")
@requires(Act.ATTACH)
def new() -> ResponseReturnValue:
    """Upload for one slot of one paper, named in the address; the page works without any script."""
    asked = request.args
    try:
        paper, slot = PaperKind(asked.get("paper", "")), Slot(asked.get("slot", ""))
        paper_id = row_id(asked.get("id", ""))
        defect_id = row_id(asked["defect"]) if asked.get("defect") else None
    except ValueError:
        raise NotFound from None
    place = queries.place_for(current_scope(), current_user(), paper, paper_id)
    place.demand(slot)
    form = UploadForm(
        formdata=None,
        paper=paper,
        paper_id=paper_id,
        slot=slot,
        defect_id=defect_id,
        replaces=asked.get("replaces", "")[:64],
    )
    return _page(form, place)


@bp.post("/")
@requires(Act.ATTACH)
def upload() -> ResponseReturnValue:
    """File one picture or paper. The script is answered in JSON, a plain form led back to its paper."""
    form, actor = UploadForm(), current_user()
    if not form.validate():
        form.status = 422
        return _refused(form)
    earlier = queries.filed_before(actor.id, form.once.data)
    if earlier is not None and earlier.slot is form.slot.data:
        return _filed(earlier, form)
    place = _place_of(form)
    try:
        place.demand(form.slot.data)
        filed = pictures.made(
            form.file.data.read(),
            papers=form.slot.data in queries.PAPERS,
            drawing=form.slot.data is Slot.SIGNATURE,
        )
    except DomainError as error:
        form.refuse(error)
        return _refused(form, place)
    done = form.carry_out(
        commands.file_picture,
        current_scope(),
        form.paper.data,
        form.paper_id.data,
        filed=filed,
        name=form.file.data.filename or "",
        once=form.once.data,
        store=_store(),
        actor=actor,
    )
    if not done:
        return _refused(form, place)
    row = form.result or queries.filed_before(actor.id, form.once.data)
    assert row is not None  # a repetition finds what the first one filed
    return _filed(row, form)


@bp.get("/<key>")
@requires(Act.READ_TICKET, Act.READ_SURVEY, Act.READ_ORDER)
def show(key: str) -> ResponseReturnValue:
    """One picture, or one paper to download; out of scope it does not exist."""
    row = queries.attachment_for(current_scope(), key)
    return _sent(row.key, row.kind, row.name, download=not row.is_picture)


@bp.get("/<key>/small")
@requires(Act.READ_TICKET, Act.READ_SURVEY, Act.READ_ORDER)
def thumbnail(key: str) -> ResponseReturnValue:
    """The thumbnail of a picture."""
    row = queries.attachment_for(current_scope(), key)
    if not row.is_picture:
        raise NotFound
    return _sent(queries.small(row.key), pictures.JPEG, row.name, download=False)


def _sent(name: str, kind: str, file_name: str, *, download: bool) -> ResponseReturnValue:
    """The stored bytes under the kind we gave them, in a sandbox that runs nothing."""
    try:
        stream = _store().open(name)
    except FileNotFoundError:
        current_app.logger.error("the store has lost %s", name)
        raise NotFound from None
    answer = send_file(
        stream, mimetype=kind, as_attachment=download, download_name=file_name, etag=False
    )
    answer.headers["Content-Security-Policy"] = ALONE
    return answer


def _filed(row: Attachment, form: UploadForm) -> ResponseReturnValue:
    """What the script goes on with; or back to the paper."""
    if _from_script():
        return jsonify(
            key=row.key,
            slot=row.slot.label,
            url=url_for("attachments.show", key=row.key),
            small=url_for("attachments.thumbnail", key=row.key) if row.is_picture else None,
        )
    flash(f"已上传“{row.slot}”。", "success")
    return redirect(_place_of(form).path)


def _refused(form: UploadForm, place: Place | None = None) -> ResponseReturnValue:
    """The sentence alone for the script; for a plain form its page, or where it names no paper an error page."""
    if _from_script():
        return form.refusal, form.status, {"Content-Type": "text/plain; charset=utf-8"}
    if place is None and form.paper.data and form.paper_id.data:
        place = _place_of(form)
    if place is None or form.slot.data not in place.slots:
        return render_template("error.html", status=form.status, sentence=form.refusal), form.status
    return _page(form, place)


def _place_of(form: UploadForm) -> Place:
    """The paper the form names. Raises NotFound."""
    return queries.place_for(
        current_scope(), current_user(), form.paper.data, form.paper_id.data or 0
    )


def _page(form: UploadForm, place: Place) -> ResponseReturnValue:
    slot = form.slot.data
    return (
        render_template(
            "attachments/new.html",
            form=form,
            place=place,
            slot=slot,
            accept=PAPERS if slot in queries.PAPERS else PICTURES,
            on_file=queries.of_paper(place.kind, place.id, slot),
        ),
        form.status,
    )


def _from_script() -> bool:
    return request.headers.get("X-Fragment") is not None


def _store() -> Store:
    store: Store = current_app.extensions["ticketing"].store
    return store
