"""Proposing and deciding on a price list together with who is told of it (trust: S9; procedure 3.5.6)."""

from collections.abc import Sequence

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.telling import people_as
from ticketing.kernel import clock
from ticketing.masters.people.models import User
from ticketing.masters.prices import commands
from ticketing.masters.prices.models import PriceList
from ticketing.procedure.vocabulary import Role


def propose(price_list: PriceList, *, version: int, actor: User) -> PriceList:
    """Propose a version; the general manager is asked to decide. Raises as `masters.prices.commands`."""
    commands.propose(price_list, version=version, actor=actor)
    words = f"请决定合同价目表 {price_list.title}，{clock.show_date(price_list.valid_from)} 起生效"
    _tell(people_as((Role.GENERAL_MANAGER,)), price_list, actor, words, price_list.reason)
    return price_list


def agree(price_list: PriceList, *, version: int, actor: User) -> PriceList:
    """Put it in force; those who price and review by it are told. Raises as `masters.prices.commands`."""
    commands.agree(price_list, version=version, actor=actor)
    community = price_list.contract.community_id
    to = [
        *people_as((Role.CS_MANAGER, Role.AUDITOR, Role.CAPTAIN), community_id=community),
        price_list.entered_by_id,
    ]
    words = f"合同价目表 {price_list.title} {clock.show_date(price_list.valid_from)} 起生效"
    _tell(to, price_list, actor, words, price_list.reason)
    return price_list


def decline(price_list: PriceList, *, version: int, answer: str, actor: User) -> PriceList:
    """Decline it; whoever proposed it is told why. Raises as `masters.prices.commands`."""
    commands.decline(price_list, version=version, answer=answer, actor=actor)
    words = f"合同价目表 {price_list.title} 未获同意"
    _tell([price_list.entered_by_id], price_list, actor, words, price_list.answer)
    return price_list


def _tell(to: Sequence[int], price_list: PriceList, actor: User, words: str, body: str) -> None:
    tell(
        [
            Message(
                user_ids=tuple(dict.fromkeys(one for one in to if one != actor.id)),
                kind=NoticeKind.PRICES,
                event=f"prices:{price_list.id}:{price_list.state.value}",
                title=words,
                body=body,
                path=f"/contractors/contracts/{price_list.contract_id}/prices/{price_list.id}",
            )
        ],
        at=clock.now(),
    )
