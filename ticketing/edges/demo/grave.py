"""What the leaders of the demo do about a major complaint: measures, minutes, special report, instruction."""

from datetime import timedelta

from ticketing.casefile.tickets.models import Ticket
from ticketing.edges.demo.cast import Cast
from ticketing.kernel import clock
from ticketing.masters.people.scope import scope_of
from ticketing.oversight.escalation import commands as escalation
from ticketing.procedure.vocabulary import Grade

MEASURES = (
    "由工程材料部牵头，三日内完成同栋同类部位排查，逐户登记；客户服务部每日向业主通报进度。",
    "先行处置、后定责任：当天采取临时措施，五日内拿出根治方案；法律事务中心同步准备答复口径。",
    "由副总经理约见业主代表；工程材料部会同施工单位现场确认原因，费用从质保金列支。",
)


def lacks_measures(ticket: Ticket) -> bool:
    """Whether it is major and nobody decided yet what to do."""
    return ticket.grade is Grade.MAJOR and ticket.directed_at is None


def lacks_minutes(ticket: Ticket) -> bool:
    """Whether it is major and no meeting was held."""
    return ticket.grade is Grade.MAJOR and ticket.minuted_at is None


def direct(ticket: Ticket, cast: Cast, *, gm: bool = False) -> None:
    """The deputy general manager, or the general manager, decides the measures (procedure 2.1.2)."""
    today, leader = clock.today(), cast["gm" if gm else "deputy_gm"]
    escalation.direct(
        ticket,
        version=ticket.version,
        text=MEASURES[ticket.id % len(MEASURES)],
        department_ids=[cast.departments["ENG"].id],
        due_on=today + timedelta(days=7),
        also=[],
        actor=leader,
        scope=scope_of(leader),
    )


def see_to(ticket: Ticket, cast: Cast) -> None:
    """The measures a major complaint must have before it goes on or ends; nothing for any other."""
    if lacks_measures(ticket):
        direct(ticket, cast)


def minute(ticket: Ticket, cast: Cast, *, done: bool = True) -> None:
    """The manager of customer service writes the minutes of the special meeting (procedure 3.10.5)."""
    now, today = clock.now(), clock.today()
    escalation.minute(
        ticket,
        version=ticket.version,
        meeting=None,
        held_at=now - timedelta(hours=2),
        place="总部三楼会议室",
        chair="李振华副总经理",
        present="客户服务部、工程材料部、法律事务中心、物业公司",
        absent="",
        events=f"{clock.show_instant(ticket.received_at)} 受理：{ticket.summary}。责任部门已到现场核查，情况属实。",
        cause="工程材料部：同批次施工质量缺陷。物业公司：日常巡查未及时发现，双方意见一致。",
        demand=ticket.content,
        legal="法律事务中心：按质量保证书履行保修义务，答复口径统一。",
        plan="同栋同类部位全面排查，逐户修复；业主损失据实协商。",
        cost="约 4.5 万元",
        approver="李振华副总经理",
        assignments=[
            {
                "matter": "同类部位排查并出清单",
                "person": "吴昊",
                "due_on": today + timedelta(days=3),
                "done_on": today if done else None,
            },
            {
                "matter": "逐户通报进度并收集意见",
                "person": "陈静",
                "due_on": today + timedelta(days=7),
                "done_on": today if done else None,
            },
        ],
        spokesman="赵敏经理",
        wording="公司已成立专项小组，七日内给出修复方案。",
        risks="业主群集中反映；如有媒体介入，立即报总经理。",
        next_on=None if done else today + timedelta(days=7),
        issued_by="王启明总经理",
        also=[],
        actor=cast["manager"],
        scope=scope_of(cast["manager"]),
    )


def report(ticket: Ticket, cast: Cast) -> None:
    """The manager drafts the special report and hands it in (procedure 3.10.6)."""
    escalation.draft_special(
        ticket,
        version=ticket.version,
        background=f"{clock.show_instant(ticket.received_at)} 受理，编号 {ticket.number}。{ticket.content}",
        state=f"目前{ticket.stage}，等级重大；同栋另有住户反映，暂无媒体报道。",
        cause="技术：同批次施工质量缺陷。管理：交付前分户验收抽检比例不足。",
        responsibility="施工单位承担维修费用，工程材料部负监督责任。",
        done="已现场勘察，召开专题会议，完成首轮排查。",
        options="方案一：局部修补，约 1.5 万元，三天，有复发风险。方案二：整体返工，约 4.5 万元，十天。",
        proposal="建议采用方案二，费用从质量保证金列支。",
        decisions="请批准方案二及费用来源。",
        attachments=f"来电、来访登记表 {ticket.number}；专题会议纪要",
        actor=cast["manager"],
    )
    escalation.submit_special(ticket, version=ticket.version, actor=cast["manager"])


def instruct(ticket: Ticket, cast: Cast) -> None:
    """The general manager instructs on the report."""
    escalation.instruct(
        ticket,
        version=ticket.version,
        instruction="同意方案二，十日内完成，结果书面回复全部相关业主。",
        actor=cast["gm"],
    )
