"""Scope: which tickets, customers and reports one person may see. Every select passes through here."""

from dataclasses import dataclass

from ticketing.masters.people.models import ActingFor, User
from ticketing.procedure.permissions import TICKET_REACH, Act, may, may_sign
from ticketing.procedure.vocabulary import Reach, Role


@dataclass(frozen=True)
class Scope:
    """What one person reaches, derived from his roles, communities and department at this request.

    `communities` None means all communities. `ticket_communities` are those whose tickets he sees
    through a role that reaches a community; `department_id` is set when a role lets him see his
    department's tickets wherever they are. `acting` are the roles he may sign for today as a deputy, by principal.
    """

    user_id: int
    roles: frozenset[Role]
    communities: frozenset[int] | None
    ticket_communities: frozenset[int] | None
    department_id: int | None
    acting: tuple[ActingFor, ...] = ()

    @property
    def sees_all_tickets(self) -> bool:
        """Whether no ticket is hidden from this person."""
        return self.ticket_communities is None

    def may(self, act: Act) -> bool:
        """Whether one of this person's roles may do `act` at all, or it is a signature he may give as a deputy."""
        return may(self.roles, act) or may_sign((one.role for one in self.acting), act)

    def reaches_community(self, community_id: int) -> bool:
        """Whether this person works for the community (masters, intake, reports)."""
        return self.communities is None or community_id in self.communities


def scope_of(user: User) -> Scope:
    """The scope of `user` as his rows stand now: a right taken away is gone at the next request."""
    reaches = {TICKET_REACH[role] for role in user.roles}
    communities = user.community_ids
    if Reach.ALL in reaches:
        ticket_communities = None
    elif Reach.COMMUNITY in reaches:
        ticket_communities = communities
    else:
        ticket_communities = frozenset()
    return Scope(
        user_id=user.id,
        roles=user.roles,
        communities=None if Role.CS_MANAGER in user.roles else communities,
        ticket_communities=ticket_communities,
        department_id=user.department_id if Reach.DEPARTMENT in reaches else None,
        acting=user.acting,
    )
