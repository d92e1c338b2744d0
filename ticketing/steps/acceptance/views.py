"""Pages of acceptance."""

from flask import Blueprint

from ticketing.steps.acceptance import commands  # noqa: F401

bp = Blueprint("acceptance", __name__)
