"""Pages of contractors, contracts, repair teams and warranty promises."""

from flask import Blueprint

bp = Blueprint("contractors", __name__, url_prefix="/contractors")
