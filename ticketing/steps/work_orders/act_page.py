"""The pages of the desk's acts on an order."""

from ticketing.casefile.papers.act_page import ActPage
from ticketing.procedure.permissions import Act
from ticketing.steps.work_orders import paper, queries
from ticketing.steps.work_orders.road import ORDERS

ENDPOINTS: dict[Act, str] = {
    Act.AMEND_ORDER: "work_orders.acts.amend",
    Act.SUBMIT_ORDER: "work_orders.acts.hand_in",
    Act.APPROVE_ORDER: "work_orders.acts.approve",
    Act.RETURN_ORDER: "work_orders.acts.send_back",
    Act.ISSUE_ORDER: "work_orders.acts.issue",
    Act.ISSUE_FIRST: "work_orders.acts.issue_first",
    Act.PLAN_ORDER: "work_orders.acts.plan",
    Act.STRIKE_USE: "work_orders.acts.strike_use",
    Act.INSPECT_ORDER: "acceptance.inspect",
    Act.SIGN_OFF: "acceptance.sign_off",
    Act.REJECT_WORK: "acceptance.reject",
    Act.EXTEND_ORDER: "work_orders.acts.extend",
    Act.ADD_TRADE: "work_orders.acts.add_trade",
    Act.TRANSFER_ORDER: "work_orders.acts.transfer",
    Act.CANCEL_ORDER: "work_orders.acts.cancel",
}
"""The page on which each act of the desk is done; the crew's are done on the captain's own pages."""

order_page = ActPage(
    ORDERS,
    "order",
    "work_orders.show",
    "orders/act.html",
    queries.order_for,
    paper.told,
    ORDERS.check_first,
).answer
"""Answers a request to do an act on an order."""
