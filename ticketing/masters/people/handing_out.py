"""A list leaves the house as a workbook: written to a file, journalled, sent (procedure 5.3)."""

from collections.abc import Callable
from pathlib import Path

from flask import request, send_file
from flask.typing import ResponseReturnValue

from ticketing.journal.commands import record
from ticketing.kernel import clock, excel
from ticketing.kernel.db import transaction
from ticketing.masters.people.guard import current_user
from ticketing.procedure.permissions import Act


def hand_out(title: str, write: Callable[[Path], None]) -> ResponseReturnValue:
    """Send the workbook that `write` writes; the journal notes who took which list with which filter."""
    stream, actor = excel.written(write), current_user()
    with transaction():
        record(
            "export",
            actor.id,
            Act.EXPORT.value,
            actor=actor,
            at=clock.now(),
            facts={
                "workbook": title,
                "list": request.query_string.decode("utf-8", "replace")[:500],
            },
        )
    return send_file(
        stream,
        mimetype=excel.MIMETYPE,
        as_attachment=True,
        download_name=f"{title} {clock.today()}.xlsx",
    )
