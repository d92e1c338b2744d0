"""The pages of the acts on an account."""

from ticketing.casefile.papers.act_page import ActPage
from ticketing.procedure.permissions import Act
from ticketing.steps.settlement import paper, queries
from ticketing.steps.settlement.road import SETTLEMENTS

ENDPOINTS: dict[Act, str] = {
    Act.AMEND_ACCOUNT: "settlements.acts.amend",
    Act.SUBMIT_ACCOUNT: "settlements.acts.hand_in",
    Act.AUDIT_LINES: "settlements.acts.review",
    Act.COMPILE_SETTLEMENT: "settlements.acts.compile_paper",
    Act.NOTIFY_CONTRACTOR: "settlements.acts.notify",
    Act.REMIND_CONTRACTOR: "settlements.acts.remind",
    Act.CONFIRM_ACCOUNT: "settlements.acts.confirm",
    Act.DISPUTE_ACCOUNT: "settlements.acts.dispute",
    Act.DEEM_CONFIRMED: "settlements.acts.deem",
    Act.REVIEW_AGAIN: "settlements.acts.review_again",
    Act.CERTIFY: "settlements.acts.certify",
    Act.RETURN_SETTLEMENT: "settlements.acts.send_back",
}
"""The page on which each act is done; a review is finished, and an account returned to its captain, on the review's."""

settlement_page = ActPage(
    SETTLEMENTS,
    "settlement",
    "settlements.show",
    "settlements/act.html",
    queries.settlement_for,
    paper.told,
    SETTLEMENTS.check_first,
).answer
"""Answers a request to do an act on an account."""
