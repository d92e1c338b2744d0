"""Health for machines, the page of jobs for the administrator."""

from flask import Blueprint, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ticketing.edges.jobs import health, running
from ticketing.edges.jobs.models import Heartbeat, JobState
from ticketing.edges.jobs.schedule import BY_NAME, JOBS
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import NotFound
from ticketing.kernel.forms import BaseForm
from ticketing.masters.people.guard import current_user, public, requires
from ticketing.procedure.permissions import Act

bp = Blueprint("jobs", __name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process is up; nothing else is asked."""
    return jsonify(up=True)


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Database writable, migrations current, scheduler beating: 200, else 503."""
    found = health.report()
    ready = all(found.values())
    return jsonify(ready=ready, **found), 200 if ready else 503


@bp.get("/jobs/")
@requires(Act.MANAGE_JOBS)
def index() -> ResponseReturnValue:
    """Each job with its last run, how long it took and how it went; the processes that tick."""
    states = {state.name: state for state in db.session.scalars(select(JobState))}
    beats = db.session.scalars(select(Heartbeat).order_by(Heartbeat.at.desc())).all()
    return render_template(
        "jobs/index.html",
        jobs=[(job, states.get(job.name)) for job in JOBS],
        beats=beats,
        fresh=clock.now() - health.FRESH,
        form=BaseForm(),
    )


@bp.post("/jobs/<name>/run")
@requires(Act.MANAGE_JOBS)
def run(name: str) -> ResponseReturnValue:
    """Run a job now; who did is journalled."""
    job, form, actor = BY_NAME.get(name), BaseForm(), current_user()
    if job is None:
        raise NotFound
    if not form.validate():
        return render_template("error.html", status=422, sentence=form.refusal), 422
    with transaction():
        record("job", 0, "run", actor=actor, at=clock.now(), facts={"job": name})
    outcome = running.run(job, clock.now())
    flash(f"{job.label}：{outcome.words}", "danger" if outcome.failed else "success")
    return redirect(url_for("jobs.index"))
