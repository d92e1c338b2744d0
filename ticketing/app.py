"""The application factory: settings, database, doors, pages, error pages, headers."""

import logging
from typing import Any

from flask import Flask, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter

from ticketing import settings as configuration
from ticketing.books.banking import views as banking
from ticketing.books.desk import views as desk
from ticketing.books.imprest import paying as imprest_money
from ticketing.books.imprest import views as imprest
from ticketing.books.ledger import views as ledger
from ticketing.books.payments import views as payments
from ticketing.books.retention import views as retention
from ticketing.casefile.attachments import views as attachments
from ticketing.casefile.defects import views as defects
from ticketing.casefile.homes import views as homes
from ticketing.casefile.notices import views as notices
from ticketing.casefile.tickets import views as tickets
from ticketing.edges.console import commands as console
from ticketing.edges.demo import commands as demo
from ticketing.edges.jobs import commands as job_console
from ticketing.edges.jobs import views as jobs
from ticketing.edges.web import presentation
from ticketing.kernel import courtesy, locking
from ticketing.kernel import db as database
from ticketing.kernel.db import db
from ticketing.kernel.errors import DomainError, NotFound
from ticketing.kernel.forms import is_repetition
from ticketing.masters.contractors import views as contractors
from ticketing.masters.estate import views as estate
from ticketing.masters.people import guard
from ticketing.masters.people import views as people
from ticketing.oversight.audit import views as audit
from ticketing.oversight.board import views as board
from ticketing.oversight.calendar import views as calendar
from ticketing.oversight.deputies import views as deputies
from ticketing.oversight.escalation import views as escalation
from ticketing.oversight.parameters import views as parameters
from ticketing.oversight.plan import views as plan
from ticketing.oversight.prices import views as prices
from ticketing.oversight.reports import views as reports
from ticketing.settings import Settings
from ticketing.steps.acceptance import phone
from ticketing.steps.acceptance import views as acceptance
from ticketing.steps.callback import views as callback
from ticketing.steps.closing import views as closing
from ticketing.steps.dispatch import views as dispatch
from ticketing.steps.handling import views as handling
from ticketing.steps.intake import views as intake
from ticketing.steps.settlement import crew_money
from ticketing.steps.settlement import liabilities as settlement_liabilities
from ticketing.steps.settlement import paying as settlement_money
from ticketing.steps.settlement import print_views as settlement_prints
from ticketing.steps.settlement import views as settlements
from ticketing.steps.site_survey import filing as survey_pictures
from ticketing.steps.site_survey import print_views as survey_prints
from ticketing.steps.site_survey import views as site_survey
from ticketing.steps.work_orders import filing as order_pictures
from ticketing.steps.work_orders import liabilities as order_liabilities
from ticketing.steps.work_orders import print_views as order_prints
from ticketing.steps.work_orders import views as work_orders

ROOMS = (
    people,
    estate,
    contractors,
    homes,
    tickets,
    defects,
    attachments,
    intake,
    dispatch,
    handling,
    site_survey,
    survey_prints,
    work_orders,
    order_prints,
    acceptance,
    phone,
    settlements,
    settlement_prints,
    callback,
    closing,
    board,
    plan,
    reports,
    calendar,
    parameters,
    prices,
    deputies,
    audit,
    jobs,
    notices,
    escalation,
    desk,
    payments,
    ledger,
    retention,
    banking,
    imprest,
)
PAID = (settlement_money, imprest_money)
"""Papers that are paid: importing them tells `books.payments` what they owe and what follows when it is paid."""

SPENT_ON = (crew_money,)
"""What crews spend their funds on: importing it tells `books.imprest` of it."""

PICTURED = (survey_pictures, order_pictures)
"""Papers with pictures: importing them tells `attachments` who sees these and may add to them."""

LIABLE = (order_liabilities, settlement_liabilities)
"""What stands open against deposits: importing it tells `retention` of it."""

MOST_ACCEPTED = 12 * 1024 * 1024
"""Bytes of a request that a page accepts; it refuses more in its own words, up to what the server receives at all."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SENTENCES = {
    400: "请求不完整，请返回重试。",
    401: "请先登录。",
    403: "您没有权限查看或办理。",
    404: "没有找到，或不在您的权限范围内。",
    405: "这个地址不能这样使用。",
    409: "内容已有变化。",
    413: "提交的内容太大。",
    422: "填写的内容有误。",
    500: "系统出错了，已记录。请稍后再试。",
    503: "数据库暂时繁忙或不可用，没有保存任何内容。请稍后再试。",
}

log = logging.getLogger("ticketing")


def create_app(settings: Settings | None = None) -> Flask:
    """A ready application on the database the settings name."""
    settings = settings or configuration.from_environment()
    app = Flask(
        "ticketing", template_folder=str(settings.templates), static_folder=str(settings.static)
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.ENGINE_OPTIONS | {"pool_size": settings.threads + 2},
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_I18N_ENABLED=False,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=MOST_ACCEPTED,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        SEND_FILE_MAX_AGE_DEFAULT=30 * 24 * 3600,
        TESTING=settings.testing,
    )
    app.url_map.converters["int"] = RowIdConverter
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["ticketing"] = settings
    db.init_app(app)
    with app.app_context():
        locking.tune(db.engine)
    Migrate(app, db, directory=str(configuration.ROOT / "migrations"), render_as_batch=True)
    Bootstrap5(app)
    CSRFProtect(app)
    guard.install(app)
    presentation.install(app, settings)
    for room in ROOMS:
        app.register_blueprint(room.bp)
    console.install(app)
    demo.install(app)
    job_console.install(app)
    app.add_url_rule("/", "home", people.home)
    _answer_errors(app)
    _tend_requests(app, settings)
    return app


class RowIdConverter(IntegerConverter):
    """A row id in an address: a number no database can hold leads nowhere."""

    regex = r"\d{1,18}"


def _tend_requests(app: Flask, settings: Settings) -> None:
    """A request reads until it enters `transaction`; every answer carries the safety headers."""

    @app.before_request
    def _mark_reading() -> None:
        courtesy.came()
        g.reading = locking.reading()
        g.reading.__enter__()

    @app.teardown_request
    def _unmark(_error: BaseException | None) -> None:
        courtesy.went()
        reading: Any = g.pop("reading", None)
        if reading is not None:
            reading.__exit__(None, None, None)

    @app.after_request
    def _note_refusal(response: Response) -> Response:
        if response.status_code == 403:
            presentation.note_refusal()
        return response

    @app.after_request
    def _headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "geolocation=(), microphone=(), camera=(self)"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if request.endpoint not in ("static", "bootstrap.static"):
            headers["Cache-Control"] = "no-store"
            headers["Vary"] = "Cookie"
        if settings.https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return response


def _answer_errors(app: Flask) -> None:
    """Every refusal is a Chinese page with the right status; nothing half done stays behind."""

    def page(
        status: int, sentence: str, headers: dict[str, str] | None = None
    ) -> tuple[str, int, dict[str, str]]:
        db.session.rollback()
        headers = headers or {}
        if request.headers.get("X-Fragment"):
            return sentence, status, {**headers, "Content-Type": "text/plain; charset=utf-8"}
        typed = None if status == 413 else request.form
        body = render_template("error.html", status=status, sentence=sentence, form=typed)
        return body, status, headers

    def plain(status: int) -> str:
        """A page that asks the database nothing, not even who is looking at it."""
        return app.jinja_env.get_template("plain_error.html").render(sentence=SENTENCES[status])

    @app.errorhandler(NotFound)
    def _not_found(error: NotFound) -> ResponseReturnValue:
        """A second click on an act that took its paper out of the person's reach finds his list."""
        db.session.rollback()
        if guard.someone_signed_in() and is_repetition(guard.current_user().id):
            flash("这张表单已经办理过，没有重复办理。", "success")
            return redirect(url_for("home"))
        return _domain(error)

    @app.errorhandler(DomainError)
    def _domain(error: DomainError) -> ResponseReturnValue:
        return page(error.status, error.message)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> ResponseReturnValue:
        return page(400, "页面已过期或登录已变更，没有保存。请复制下面的内容，刷新后重新提交。")

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        kept = {
            name: value
            for name, value in error.get_response().headers.items()
            if name in ("Allow", "Retry-After", "Location")
        }
        if status < 400:
            return error.get_response()
        return page(status, SENTENCES.get(status, "请求没有成功。"), kept)

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def _database(error: Exception) -> ResponseReturnValue:
        log.error("database unavailable: %s", error)
        db.session.rollback()
        return plain(503), 503, {"Retry-After": "5"}

    @app.errorhandler(Exception)
    def _crash(error: Exception) -> ResponseReturnValue:
        log.exception("unhandled error at %s", request.path)
        if app.config["TESTING"]:
            raise error
        db.session.rollback()
        return plain(500), 500
