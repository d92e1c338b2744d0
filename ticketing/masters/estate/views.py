"""Pages of the estate: communities and buildings, acts on homes and customers, master data."""

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.kernel.text import row_id
from ticketing.masters.estate import commands, merging, paper, queries
from ticketing.masters.estate.forms import (
    CommunityForm,
    CustomerForm,
    EditCommunityForm,
    EditOfficeForm,
    MergeForm,
    MoveOutForm,
    OfficeForm,
    ResidentForm,
    SettleForm,
    UnitDatesForm,
    UnitForm,
)
from ticketing.masters.estate.import_views import bp as imports
from ticketing.masters.estate.models import Community, ServiceOffice, Unit
from ticketing.masters.estate.twins import probable_twins
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.procedure.permissions import Act

bp = Blueprint("estate", __name__, url_prefix="/estate")
bp.register_blueprint(imports)
SHOWN_TWINS = 200


@bp.get("/")
@requires(Act.READ_ESTATE)
def index() -> ResponseReturnValue:
    """The communities of the person by service office, with their occupancy; and the customer search."""
    scope, typed = current_scope(), request.args.get("q", "").strip()[:60]
    communities = queries.communities(scope)
    return render_template(
        "estate/index.html",
        communities=communities,
        occupancy=queries.occupancy([c.id for c in communities]),
        typed=typed,
        callers=queries.callers(scope, typed, 30) if typed else [],
    )


@bp.get("/customers.xlsx")
@requires(Act.READ_ESTATE)
def export() -> ResponseReturnValue:
    """Homes and customers, of one community or of all the person's, to be imported again (3.7.1).

    The phones are whole, as on the pages behind the same door; the download is journalled.
    """
    scope, place, community_id = (
        current_scope(),
        "全部小区",
        request.args.get("community", type=row_id),
    )
    if community_id:
        subject = queries.community(scope, community_id)
        scope, place = replace(scope, communities=frozenset({subject.id})), subject.name
    return hand_out(f"房产客户 {place}", lambda path: paper.write_roll(path, scope))


@bp.get("/twins")
@requires(Act.READ_ESTATE)
def twins() -> ResponseReturnValue:
    """Customers who are probably one person, with the page that merges them one click away (3.7.1)."""
    scope = current_scope()
    groups = probable_twins(scope, SHOWN_TWINS)
    return render_template(
        "estate/twins.html",
        groups=groups,
        homes={one.id: queries.stays(scope, one) for group in groups for one in group.people},
        most=SHOWN_TWINS,
    )


@bp.get("/communities/<int:community_id>")
@requires(Act.READ_ESTATE)
def community(community_id: int) -> ResponseReturnValue:
    """One community: its buildings and how far each is lived in."""
    subject = queries.community(current_scope(), community_id)
    return render_template(
        "estate/community.html",
        community=subject,
        occupancy=queries.occupancy([subject.id]).get(subject.id),
        buildings=queries.buildings(subject.id),
    )


@bp.get("/buildings/<int:building_id>")
@requires(Act.READ_ESTATE)
def building(building_id: int) -> ResponseReturnValue:
    """One building: its homes by stair and room, with those who live there."""
    subject = queries.building(current_scope(), building_id)
    return render_template(
        "estate/building.html", building=subject, units=queries.units_of(subject.id)
    )


@bp.route("/units/<int:unit_id>/dates", methods=["GET", "POST"])
@requires(Act.EDIT_CUSTOMER)
def unit_dates(unit_id: int) -> ResponseReturnValue:
    """Note when a home was delivered and moved into."""
    home = queries.unit(current_scope(), unit_id)
    form = UnitDatesForm(obj=home)
    if form.carry_out(commands.date_unit, home, actor=current_user()):
        flash(f"{home.label} 的日期已保存。", "success")
        return redirect(url_for("homes.unit", unit_id=unit_id))
    _take_up(form, home)
    return render_template("estate/unit_dates.html", form=form, unit=home), form.status


def _take_up(form: BaseForm, row: Unit | ServiceOffice | Community | None) -> None:
    """After a conflict the form goes on from the present version, beside what is there now."""
    if isinstance(form, VersionedForm) and form.conflict is not None and row is not None:
        form.version.data, form.version.raw_data = row.version, None


@bp.route("/units/<int:unit_id>/residents/new", methods=["GET", "POST"])
@requires(Act.EDIT_CUSTOMER)
def add_resident(unit_id: int) -> ResponseReturnValue:
    """Write down a new customer of a home, or look for one already known (procedure 3.7.1)."""
    scope = current_scope()
    home = queries.unit(scope, unit_id)
    form, typed = ResidentForm(), request.args.get("q", "").strip()[:60]
    if form.carry_out(commands.add_customer, unit=home, actor=current_user()):
        flash("住户已登记。", "success")
        return redirect(url_for("homes.customer", customer_id=int(form.outcome)))
    return (
        render_template(
            "estate/resident.html",
            form=form,
            unit=home,
            typed=typed,
            found=[(one, queries.stays(scope, one)) for one in queries.people_found(scope, typed)],
            settle=SettleForm(formdata=None),
        ),
        form.status,
    )


@bp.post("/units/<int:unit_id>/residents")
@requires(Act.EDIT_CUSTOMER)
def settle_in(unit_id: int) -> ResponseReturnValue:
    """A customer already known comes to live at a home."""
    scope, form = current_scope(), SettleForm()
    home = queries.unit(scope, unit_id)
    person = queries.customer(scope, form.customer_id.data or 0)
    if form.carry_out(commands.settle_in, person, home, actor=current_user()):
        flash("住户已登记。", "success")
        return redirect(url_for("homes.unit", unit_id=unit_id))
    return (
        render_template(
            "estate/resident.html",
            form=ResidentForm(formdata=None),
            unit=home,
            typed="",
            found=[(person, queries.stays(scope, person))],
            settle=form,
        ),
        form.status,
    )


@bp.route("/stays/<int:residency_id>/move-out", methods=["GET", "POST"])
@requires(Act.EDIT_CUSTOMER)
def move_out(residency_id: int) -> ResponseReturnValue:
    """A customer leaves a home; the stay remains as history."""
    stay = queries.stay(current_scope(), residency_id)
    form = MoveOutForm(data={"until_on": clock.today()})
    unit_id = stay.unit_id
    if form.carry_out(commands.move_out, stay, actor=current_user()):
        flash("已登记迁出。", "success")
        return redirect(url_for("homes.unit", unit_id=unit_id))
    return render_template("estate/move_out.html", form=form, stay=stay), form.status


@bp.route("/customers/<int:customer_id>/edit", methods=["GET", "POST"])
@requires(Act.EDIT_CUSTOMER)
def edit_customer(customer_id: int) -> ResponseReturnValue:
    """Change a customer's name, phones and note; a conflict shows what he is now."""
    scope = current_scope()
    person = queries.customer(scope, customer_id)
    form = CustomerForm(
        data={
            "version": person.version,
            "name": person.name,
            "phones": [phone.number for phone in person.phones],
            "note": person.note,
        }
    )
    if form.carry_out(commands.edit_customer, person, actor=current_user()):
        flash("客户资料已保存。", "success")
        return redirect(url_for("homes.customer", customer_id=customer_id))
    if form.status != 200:
        person = queries.customer(scope, customer_id)
    if form.conflict is not None:
        form.version.data, form.version.raw_data = person.version, None
    return render_template("estate/customer.html", form=form, customer=person), form.status


@bp.route("/customers/<int:customer_id>/merge-into/<int:survivor_id>", methods=["GET", "POST"])
@requires(Act.MERGE_CUSTOMER)
def merge(customer_id: int, survivor_id: int) -> ResponseReturnValue:
    """Let one customer take over another; the page says what will happen and asks once (3.7.1)."""
    scope = current_scope()
    twin, survivor = queries.customer(scope, customer_id), queries.customer(scope, survivor_id)
    form = MergeForm(data={"version": twin.version})
    if form.carry_out(merging.merge_customers, twin, survivor, scope=scope, actor=current_user()):
        flash("已合并。", "success")
        return redirect(url_for("homes.customer", customer_id=survivor_id))
    if form.status != 200:
        twin, survivor = queries.customer(scope, customer_id), queries.customer(scope, survivor_id)
    if form.conflict is not None:
        form.version.data, form.version.raw_data = twin.version, None
    return (
        render_template(
            "estate/merge.html",
            form=form,
            twin=twin,
            survivor=survivor,
            stays={one.id: queries.stays(scope, one) for one in (twin, survivor)},
        ),
        form.status,
    )


@bp.get("/manage")
@requires(Act.MANAGE_ESTATE)
def manage() -> ResponseReturnValue:
    """The administrator's list of service offices and communities; no customers here."""
    offices = queries.all_offices()
    ids = [community.id for office in offices for community in office.communities]
    return render_template("estate/manage.html", offices=offices, occupancy=queries.occupancy(ids))


@bp.route("/offices/new", methods=["GET", "POST"])
@bp.route("/offices/<int:office_id>", methods=["GET", "POST"])
@requires(Act.MANAGE_ESTATE)
def office(office_id: int | None = None) -> ResponseReturnValue:
    """Make or change a service office (procedure 3.10.3)."""
    subject = None if office_id is None else queries.any_office(office_id)
    form = OfficeForm() if subject is None else EditOfficeForm(obj=subject)
    if form.carry_out(commands.save_office, subject, actor=current_user()):
        flash("客户服务处已保存。", "success")
        return redirect(url_for("estate.manage"))
    _take_up(form, subject)
    return render_template("estate/office.html", form=form, office=subject), form.status


@bp.route("/communities/new", methods=["GET", "POST"])
@bp.route("/communities/<int:community_id>/edit", methods=["GET", "POST"])
@requires(Act.MANAGE_ESTATE)
def edit_community(community_id: int | None = None) -> ResponseReturnValue:
    """Make or change a community."""
    subject = None if community_id is None else queries.any_community(community_id)
    form = CommunityForm() if subject is None else EditCommunityForm(obj=subject)
    form.office_id.offer((one.id, one.name) for one in queries.all_offices())
    if form.carry_out(commands.save_community, subject, actor=current_user()):
        flash("小区已保存。", "success")
        return redirect(url_for("estate.manage"))
    _take_up(form, subject)
    return (
        render_template("estate/edit_community.html", form=form, community=subject),
        form.status,
    )


@bp.route("/communities/<int:community_id>/units/new", methods=["GET", "POST"])
@requires(Act.MANAGE_ESTATE)
def add_unit(community_id: int) -> ResponseReturnValue:
    """Add one home to a community; many at a time come by workbook."""
    subject = queries.any_community(community_id)
    form = UnitForm()
    if form.carry_out(commands.add_unit, subject, actor=current_user()):
        flash(f"已新增房产 {form.building.data}{form.stair.data}{form.room.data}。", "success")
        return redirect(url_for("estate.add_unit", community_id=community_id))
    return render_template("estate/add_unit.html", form=form, community=subject), form.status
