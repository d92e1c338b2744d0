"""Pages of the survey."""

from flask import Blueprint

from ticketing.steps.site_survey import commands  # noqa: F401

bp = Blueprint("site_survey", __name__)
