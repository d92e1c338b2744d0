"""Pictures and papers: uploading, looking, downloading."""

from flask import Blueprint

bp = Blueprint("attachments", __name__, url_prefix="/files")
