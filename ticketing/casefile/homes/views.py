"""Pages of one home and one customer: facts, people, and every ticket."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import queries as tickets
from ticketing.journal.queries import story
from ticketing.masters.estate import queries as estate
from ticketing.masters.estate.twins import likely_twins
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act

bp = Blueprint("homes", __name__, url_prefix="/estate")


@bp.get("/units/<int:unit_id>")
@requires(Act.READ_ESTATE)
def unit(unit_id: int) -> ResponseReturnValue:
    """One home: its facts, who lives and lived there, every ticket about it (procedure 2.2.5)."""
    scope = current_scope()
    home = estate.unit(scope, unit_id)
    stays = estate.residents(home.id)
    return render_template(
        "homes/unit.html",
        unit=home,
        present=[stay for stay in stays if stay.until_on is None],
        past=[stay for stay in stays if stay.until_on is not None],
        tickets=tickets.history(scope, unit_id=home.id),
        story=story("unit", home.id),
    )


@bp.get("/customers/<int:customer_id>")
@requires(Act.READ_ESTATE)
def customer(customer_id: int) -> ResponseReturnValue:
    """One customer: phones, homes, every ticket of his and of those merged into him (3.7.1)."""
    scope = current_scope()
    person = estate.customer(scope, customer_id)
    taken_over = estate.merged_into(person.id)
    written = [
        ticket
        for one in (person.id, *(twin.id for twin in taken_over))
        for ticket in tickets.history(scope, customer_id=one)
    ]
    stays = estate.stays(scope, person)
    mine = {stay.unit_id for stay in stays}
    twins = [] if person.merged_into_id else likely_twins(scope, person)
    written.sort(key=lambda ticket: (ticket.received_at, ticket.id), reverse=True)
    return render_template(
        "homes/customer.html",
        customer=person,
        stays=stays,
        survivor=estate.survivor(scope, person),
        taken_over=taken_over,
        twins=[(twin, estate.stays(scope, twin)) for twin in twins],
        tickets=written,
        story=[
            line
            for line in story("customer", person.id)
            if line.facts.get("unit_id") in (None, *mine)
        ],
    )
