"""By the employee number one person with several accounts is known (trust: S11); nobody changes it alone."""

import pytest
from sqlalchemy import select, text

from ticketing.journal.queries import story
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import NotPermitted
from ticketing.masters.people import commands as people
from ticketing.masters.people.models import RoleGrant, User
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders.turns import accounts_of


def renumber(make, username, number, by="admin"):
    """An administrator changes the employee number of an account and leaves the rest as it is."""
    user = make.user(username)
    with transaction():
        people.edit_user(
            user,
            version=user.version,
            name=user.name,
            employee_number=number,
            phone=user.phone,
            email=user.email,
            department_id=user.department_id,
            everywhere=user.everywhere,
            community_ids=sorted(user.posts),
            roles=[grant.role for grant in user.grants],
            active=True,
            actor=make.user(by),
        )
    db.session.expire_all()
    return make.user(username)


def numbered(make, **numbers):
    """Accounts with these employee numbers, as they were opened."""
    with transaction():
        for username, number in numbers.items():
            make.user(username).employee_number = number


def acts(user):
    return [line.entry.act for line in story("user", user.id)]


def test_who_gets_another_employee_number_waits_for_a_second_person(make, sign_in):
    numbered(make, office="E7")
    client = sign_in("office")
    assert client.get("/tickets/").status_code == 200
    office = renumber(make, "office", "E8")
    assert office.roles == frozenset()
    assert [grant.confirmed_by_id for grant in office.grants] == [None]
    assert acts(office)[-2:] == ["edit", "put_back_role"]
    assert client.get("/tickets/").status_code == 403
    grant_id = office.grants[0].id
    with pytest.raises(NotPermitted, match="第二人"), transaction():
        people.confirm_role(db.session.get_one(RoleGrant, grant_id), actor=make.user("admin"))
    waiting = sign_in("manager").get("/people/").get_data(as_text=True)
    assert "E8" in waiting
    assert "原 E7" in waiting
    with transaction():
        people.confirm_role(db.session.get_one(RoleGrant, grant_id), actor=make.user("manager"))
    assert client.get("/tickets/").status_code == 200


def test_the_same_number_typed_otherwise_changes_nothing(make):
    numbered(make, office="CY-007")
    before = acts(make.user("office"))
    office = renumber(make, "office", " ｃｙ－ 007")
    assert office.roles == {Role.OFFICE}
    assert office.employee_number == "CY-007"
    assert acts(office) == before


def test_a_reader_keeps_his_role_and_a_role_never_confirmed_goes_on_waiting(make):
    reader = renumber(make, "reader", "E5")
    assert reader.roles == {Role.READER}
    assert "put_back_role" not in acts(reader)
    with transaction():
        people.set_roles(
            make.user("reader"), roles=[Role.READER, Role.OFFICE], actor=make.user("admin2")
        )
    reader = renumber(make, "reader", "E6")
    granted_by = {grant.role: grant.granted_by_id for grant in reader.grants}
    assert granted_by[Role.OFFICE] == make.world.users["admin2"]
    assert "put_back_role" not in acts(reader)


def test_a_person_cannot_part_from_his_other_account_and_confirm_himself(make):
    numbered(make, manager="E7", office="E7", admin2="E9", admin="E9")
    office = renumber(make, "office", "E8")
    for refused in ("manager", "admin", "admin2"):
        grant = db.session.get_one(RoleGrant, office.grants[0].id)
        with pytest.raises(NotPermitted, match="第二人"), transaction():
            people.confirm_role(grant, actor=make.user(refused))
    admin = renumber(make, "admin", "E10")
    assert admin.roles == frozenset()
    with pytest.raises(NotPermitted, match="第二人"), transaction():
        people.confirm_role(admin.grants[0], actor=make.user("admin2"))
    with transaction():
        people.confirm_role(admin.grants[0], actor=make.user("manager"))
    assert make.user("admin").roles == {Role.ADMIN}


def test_the_only_one_who_confirms_is_not_locked_out(make):
    with transaction():
        for username in ("admin2", "manager"):
            make.user(username).active = False
    assert renumber(make, "admin", "E1").roles == {Role.ADMIN}


def test_the_page_says_it_before_and_after(make, sign_in):
    numbered(make, office="E7")
    client = sign_in("admin")
    address = f"/people/{make.world.users['office']}"
    assert "改工号后，业务岗位须由第二人重新确认" in client.get(address).get_data(as_text=True)
    office = make.user("office")
    data = {
        "version": office.version,
        "name": office.name,
        "employee_number": "E8",
        "roles": [grant.role.value for grant in office.grants],
        "community_ids": sorted(office.posts),
        "active": "y",
    }
    answer = client.post(address, data=data, follow_redirects=True).get_data(as_text=True)
    assert "已保存；客户服务处待第二人确认后生效。" in answer


def test_numbers_stored_before_they_had_one_spelling_are_compared_in_it(make):
    from flask_migrate import downgrade, upgrade

    ids = {name: make.world.users[name] for name in ("manager", "office", "clerk")}
    typed = {"manager": "cy-007", "office": "ＣＹ－ 007", "clerk": ""}
    db.session.remove()
    downgrade(revision="0019")
    with db.engine.begin() as connection:
        for name, number in typed.items():
            connection.execute(
                text("UPDATE user_account SET employee_number = :number WHERE id = :id"),
                {"number": number, "id": ids[name]},
            )
    upgrade()
    assert make.user("manager").is_same_person(make.user("office"))
    assert not make.user("manager").is_same_person(make.user("clerk"))
    found = set(db.session.scalars(accounts_of(ids["office"])))
    assert found == {ids["manager"], ids["office"]}
    assert (
        db.session.scalars(select(User.employee_number).where(User.id == ids["clerk"])).one() == ""
    )
