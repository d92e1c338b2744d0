"""Pages of work orders."""

from flask import Blueprint

from ticketing.steps.work_orders import commands  # noqa: F401

bp = Blueprint("work_orders", __name__)
