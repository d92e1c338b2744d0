"""One complaint of the demo and what the people of the demo may do with it, in their own words."""

import random
from datetime import date, datetime, timedelta
from typing import Any

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import ConsentWay
from ticketing.edges.demo import grave
from ticketing.edges.demo import matters as words
from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.matters import Matter
from ticketing.edges.demo.story import minutes_later, office_time, working_day, works
from ticketing.edges.demo.town import Home, Resident, Town
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.vocabulary import Channel, Grade, Relation, Satisfaction
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatching
from ticketing.steps.handling import commands as handling
from ticketing.steps.intake import commands as intake

CHANNELS = {
    Channel.PHONE: 45,
    Channel.PROPERTY: 14,
    Channel.WEB: 13,
    Channel.VISIT: 12,
    Channel.SALES: 5,
    Channel.OFFICE: 4,
    Channel.HOTLINE: 4,
    Channel.LETTER: 2,
    Channel.API: 1,
}
AT_ANY_HOUR = (Channel.WEB, Channel.HOTLINE, Channel.PROPERTY, Channel.API)
FORM = (
    "unit_id",
    "customer_id",
    "caller_name",
    "caller_phone",
    "channel",
    "collected_by_id",
    "summary",
    "content",
    "action_taken",
    "action_needed",
)
COLLECTORS = {Channel.PROPERTY: "PM", Channel.SALES: "SAL", Channel.OFFICE: "CS"}
URGENT = 0.04
DEPUTIES = {"ENG": "engineer2", "PM": "property2"}
"""The second person of a department, to whom a ticket is given by name now and then."""


class Call:
    """Somebody gets in touch about one or several matters: when, by which way, from which home.

    Every matter of a call asks its own `Call` of the same key and gets the same answers.
    """

    def __init__(self, key: str, community: str) -> None:
        self.key, self.community = key, community
        self.rng = random.Random(key)
        self.token = f"{self.rng.getrandbits(64):016x}"
        self.channel = self.rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]

    def instants(self, day: date) -> tuple[datetime, datetime]:
        """When it was received and when it was typed: out of hours it waits for the morning."""
        if self.channel in AT_ANY_HOUR and (self.rng.random() < 0.4 or not works(day)):
            hour = self.rng.choice((7, 12, 18, 19, 20, 21, 22))
            received = clock.at(day, hour, self.rng.randrange(60))
            return received, minutes_later(self.rng, received, 20, 60)
        received = office_time(self.rng, day)
        return received, received + timedelta(minutes=self.rng.randint(1, 12))

    def home(self, town: Town) -> Home:
        """The home it comes from: one in six calls comes from a home known for calling."""
        homes = [home for home in town.homes[self.community] if home.residents]
        if self.rng.random() < 1 / 6:
            homes = homes[::23]
        return self.rng.choice(homes)


class Case:
    """One complaint: its matter, its home, its ticket once registered. Each method is one act."""

    def __init__(self, key: str, call: Call, matter: Matter, town: Town, cast: Cast) -> None:
        self.rng = random.Random(key)
        self.call, self.matter, self.town, self.cast = call, matter, town, cast
        since = words.SINCE if matter.is_physical else words.SINCE_OF_PAPERS
        self.ask = words.ASK if matter.is_physical else words.ASK_OF_PAPERS
        self.words = {"where": self.rng.choice(matter.places), "since": self.rng.choice(since)}
        self.clerk, self.office = cast.desk_of(call.community)
        self.manager = cast["manager"]
        self.home: Home | None = None
        self.ticket: Ticket

    def say(self, phrases: tuple[str, ...]) -> str:
        """One of `phrases` with the place and the duration of this case in it."""
        return self.rng.choice(phrases).format(**self.words) if phrases else ""

    @property
    def is_repair(self) -> bool:
        """Whether it is one for the crew: something broken in somebody's home."""
        return self.matter.broken is not None and self.home is not None

    @property
    def handler(self) -> User:
        """Who is responsible for the ticket now (read by id: several acts share a transaction)."""
        return db.session.get_one(User, self.ticket.handler_id)

    def register(self, received_at: datetime) -> Ticket:
        """The clerk writes it into the register."""
        homes = self.town.homes[self.call.community]
        if homes:
            self.home = self.call.home(self.town)
        self.ticket = self._register(received_at, self._caller(), self.call.channel)
        return self.ticket

    def _caller(self) -> Resident | None:
        if self.home is None:
            return None
        residents = self.home.residents
        rng = self.call.rng
        return residents[0] if rng.random() < 0.7 else rng.choice(residents)

    def _register(
        self, received_at: datetime, caller: Resident | None, channel: Channel, *, content: str = ""
    ) -> Ticket:
        at_home = self.home if caller else None
        collector = COLLECTORS.get(channel)
        text = content or self.say(self.matter.contents) + self.rng.choice(self.ask)
        return intake.register(
            unit_id=at_home.unit_id if at_home else None,
            customer_id=caller.customer_id if caller else None,
            community_id=None if at_home else self.town.communities[self.call.community].id,
            caller_name=caller.name if caller else "准业主" + self.rng.choice("陈林黄张"),
            caller_phone=caller.phone if caller else f"1380000{self.rng.randrange(9000, 9999)}",
            place="" if at_home else "未交房",
            channel=channel,
            collected_by_id=self.cast.departments[collector].id if collector else None,
            received_at=received_at,
            summary=self.matter.summary.format(**self.words),
            content=text,
            action_taken=self.rng.choice(
                ("", "", "已告知客户受理编号。", "已安抚客户并告知处理时限。")
            ),
            action_needed=self.rng.choice(("", "", "请责任部门三个工作日内反馈。")),
            call=self.call.token,
            remember=False,
            relation=Relation.OWNER,
            urgent=self.matter.is_physical and self.rng.random() < URGENT,
            actor=self.clerk,
            scope=scope_of(self.clerk),
        )

    def correct(self) -> None:
        """The clerk puts the room or the words right before it is dispatched."""
        added = self.ticket.content + "（客户补充：" + self.rng.choice(self.ask[:-1]) + "）"
        intake.correct(
            self.ticket,
            version=self.ticket.version,
            received_at=self.ticket.received_at,
            actor=self.clerk,
            scope=scope_of(self.clerk),
            **self._form(content=added),
        )

    def amend(self) -> None:
        """The clerk adds to the register after dispatch, with a reason."""
        phone = f"1390000{self.rng.randrange(10000):04d}"
        intake.amend(
            self.ticket,
            version=self.ticket.version,
            reason="客户来电更换联系电话",
            actor=self.clerk,
            scope=scope_of(self.clerk),
            **self._form(caller_phone=phone),
        )

    def _form(self, **changes: str) -> dict[str, Any]:
        entry = {name: getattr(self.ticket, name) for name in FORM}
        return entry | {"place": self.ticket.room} | changes

    def call_again(self) -> None:
        """The customer calls again about the same matter."""
        intake.join_call(self.ticket, content=self.say(words.AGAIN), actor=self.clerk)

    def register_twin(self) -> Ticket:
        """A relative reports the same matter; the clerk does not notice and writes it again."""
        again = words.CALLS_AGAIN.format(summary=self.ticket.summary)
        caller = self.home.residents[-1] if self.home else None
        return self._register(clock.now(), caller, Channel.PROPERTY, content=again)

    def merge(self, twin: Ticket) -> None:
        """The head of the office lets this ticket take over its twin."""
        closing.merge(
            twin,
            version=twin.version,
            into=self.ticket.number,
            reason="同一住户同一件事",
            actor=self.office,
            scope=scope_of(self.office),
        )

    def dispatch(self, department: str = "", *, assisting: tuple[str, ...] = ()) -> None:
        """The head of the office classifies it and gives it to a department."""
        code = department or self.matter.department
        deputy = DEPUTIES.get(code)
        named = self.cast[deputy].id if deputy and self.rng.random() < 0.35 else None
        dispatching.dispatch(
            self.ticket,
            version=self.ticket.version,
            category=self.matter.category,
            grade=max(self.matter.grade, self.ticket.grade, key=lambda grade: grade.weight),
            department_id=self.cast.departments[code].id,
            handler_id=named,
            assisting_ids=[self.cast.departments[other].id for other in assisting],
            instruction="请协助现场核查。" if assisting else "",
            actor=self.office,
        )

    def send_back(self) -> None:
        """The department finds it is not its own."""
        dispatching.send_back(
            self.ticket,
            version=self.ticket.version,
            reason=self.say(words.NOT_MINE),
            actor=self.handler,
        )

    def transfer(self, department: str = "") -> None:
        """The head of the office gives it to another department."""
        dispatching.transfer(
            self.ticket,
            version=self.ticket.version,
            category=self.matter.category,
            department_id=self.cast.departments[department or self.matter.department].id,
            handler_id=None,
            reason="现场核查后确认责任部门，改派。",
            actor=self.office,
        )

    def ask_legal(self) -> None:
        """The head of the office asks the legal centre for its opinion (procedure 2.1.3)."""
        dispatching.ask_assistance(
            self.ticket,
            version=self.ticket.version,
            department_id=self.cast.departments["LAW"].id,
            question=self.matter.legal or "请就答复口径提出意见。",
            actor=self.office,
        )

    def legal_answers(self) -> None:
        """The legal centre replies."""
        self.assist("legal", self.say(words.LEGAL_ANSWERS))

    def assist(self, username: str, reply: str) -> None:
        """An asked department replies."""
        handling.assist(self.ticket, reply=reply, actor=self.cast[username])

    def feed_back(self) -> None:
        """The department's first answer."""
        handling.feed_back(
            self.ticket,
            version=self.ticket.version,
            action_taken=self.say(self.matter.feedbacks),
            action_needed=self.rng.choice(("", "到现场复查", "等配件到货后安装")),
            next_on=None,
            actor=self.handler,
        )

    def follow_up(self) -> None:
        """A line of 已进行的跟踪行动."""
        handling.follow_up(
            self.ticket,
            action_taken=self.say(self.matter.steps) or "电话联系客户，告知进度。",
            action_needed="",
            next_on=None,
            actor=self.handler,
        )

    def rush(self) -> None:
        """The head of the office sends somebody at once and writes it down."""
        handling.follow_up(
            self.ticket,
            action_taken="已请值班工程师到场，先关阀断电，控制险情。",
            action_needed="险情控制后按正常程序分派处理。",
            next_on=None,
            actor=self.office,
        )

    def raise_grade(self, grade: Grade = Grade.IMPORTANT) -> None:
        """The head of the office finds it graver than it looked."""
        if self.ticket.grade.weight < grade.weight:
            handling.regrade(
                self.ticket,
                version=self.ticket.version,
                grade=grade,
                reason="同一住户近期重复投诉，客户情绪激动",
                actor=self.office,
            )

    def extend(self, days: int) -> None:
        """The customer agrees on the telephone to a later date; the head of the office writes it down."""
        due_on = working_day(self.ticket.complaint_due_on, days)
        handling.extend(
            self.ticket,
            version=self.ticket.version,
            due_on=due_on,
            reason=self.say(words.PUT_OFF),
            consent_by=self.ticket.caller_name,
            consent_at=clock.now() - timedelta(minutes=10),
            consent_way=self.rng.choice((ConsentWay.RECORDING, ConsentWay.MESSAGE)),
            evidence=f"热线录音 {clock.today():%m%d}-{self.rng.randrange(10, 99)}",
            actor=self.office,
        )

    def resolve(self) -> None:
        """The department has done what was to be done; a major complaint had its measures before."""
        grave.see_to(self.ticket, self.cast)
        handling.resolve(
            self.ticket,
            version=self.ticket.version,
            resolution=self.say(self.matter.results),
            customer_opinion=self.rng.choice(("", "", "客户当面认可。")),
            actor=self.handler,
        )

    def call_back(self, answer: Satisfaction | None) -> None:
        """The clerk calls; no answer means that nobody was reached. A major complaint had its meeting before."""
        grave.see_to(self.ticket, self.cast)
        if grave.lacks_minutes(self.ticket):
            grave.minute(self.ticket, self.cast)
        unhappy = answer is Satisfaction.DISSATISFIED
        opinion = self.say(words.UNHAPPY if unhappy else words.HAPPY)
        call_back(
            self.ticket,
            version=self.ticket.version,
            reached=answer is not None,
            satisfaction=answer,
            opinion=opinion if answer else "无人接听。",
            actor=self.clerk,
        )

    def close_unreached(self) -> None:
        """The head of the office closes what three calls on two days could not reach."""
        grave.see_to(self.ticket, self.cast)
        if grave.lacks_minutes(self.ticket):
            grave.minute(self.ticket, self.cast)
        closing.close(
            self.ticket,
            version=self.ticket.version,
            reason="三次回访均无人接听，已短信告知处理结果。",
            actor=self.office,
        )

    def reopen(self) -> None:
        """The same trouble is back after closing."""
        closing.reopen(
            self.ticket,
            version=self.ticket.version,
            reason=f"客户来电：{self.ticket.summary}再次出现。",
            actor=self.office,
        )

    def invalidate(self) -> None:
        """The manager judges that there is no factual basis."""
        grave.see_to(self.ticket, self.cast)
        closing.invalidate(
            self.ticket,
            version=self.ticket.version,
            reason=self.say(words.NOT_OURS),
            actor=self.manager,
        )

    def withdraw(self) -> None:
        """The customer takes his complaint back."""
        grave.see_to(self.ticket, self.cast)
        closing.withdraw(
            self.ticket,
            version=self.ticket.version,
            reason=self.say(words.TAKEN_BACK),
            actor=self.clerk,
        )
