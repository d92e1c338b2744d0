"""会签表 and 派工单 on paper: every field of the procedure's forms, in every state, singly and in piles."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest

from benchmarks.requests_read import reference
from tests.conftest import missing
from tests.pages.helpers import recorded
from tests.pages.test_every_page import EVIL, Reader, sound
from tests.rooms.test_orders import extend
from tests.rooms.test_plan import copies
from tests.support.orders import later
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.papers.printing import MOST
from ticketing.kernel.db import db, transaction
from ticketing.procedure.repairs import (
    Inspector,
    OrderClass,
    OrderStage,
    Presence,
    Side,
    Slot,
    SurveyStage,
)
from ticketing.procedure.vocabulary import Channel, Satisfaction
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.callback.commands import call_back
from ticketing.steps.site_survey import print_views as survey_prints
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import print_views as order_prints

SURVEY_FORM = (
    "现场勘察会签表", "序号:", "客户", "单元房号", "联络方式", "现场情况", "(附现场相片)", "填表人:", "日期:",
    "勘察意见", "客户服务中心", "工程项目部", "物业管理处", "施工单位", "客户", "备注",
)  # fmt: skip
ORDER_FORM = (
    "工程派工单(A、B类)", "序号:", "所在小区", "单元号", "客户", "保修内容", "填表时间:", "经办人", "签发人",
    "客户维修队(签收)", "信息来源及受理时间", "□物业处", "□客户", "□经营部", "受理时间:", "维修结果",
    "维修队队长自检:", "完成时间:", "验收", "客户服务处检查:", "客户检查:", "物业处检查:",
    "房地产有限公司客户服务部",
)  # fmt: skip
"""The words of the two forms at the end of the procedure, in its order."""


TOLD = f"{LEAK.place} {LEAK.part}：{LEAK.phenomenon}（{LEAK.trade}）"


class Words(HTMLParser):
    """Collects what stands on a page as text."""

    def __init__(self):
        super().__init__()
        self.found, self.pictures = [], []

    def handle_data(self, data):
        self.found.append(data)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])


def bare(text: str) -> str:
    """Text without blanks, full-width forms narrowed, every box empty."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).replace("☑", "□")


def read(answer) -> Words:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    words = Words()
    words.feed(answer.get_data(as_text=True).split("<article", 1)[1])
    return words


def words_of(answer) -> str:
    return "".join(read(answer).found)


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("form", "first", "last"),
    [
        (SURVEY_FORM, "现场勘察会签表", "工程派工单(A、B类)"),
        (ORDER_FORM, "工程派工单(A、B类)", "客户满意度调查表"),
    ],
)
def test_the_words_compared_with_are_those_of_the_procedure(form, first, last):
    folder = reference()
    if folder is None:
        missing("the reference data (../shared)", "REQUIRE_REFERENCE")
    text = (folder.parent / "procedure" / "客户服务管理程序.txt").read_text(encoding="utf-8")
    forms = bare(text.split("5.5 现场勘察会签表")[1])
    given = bare(first) + forms.split(bare(first), 1)[1].split(bare(last), 1)[0]
    for word in form:
        assert bare(word) in given, word
        given = given.replace(bare(word), "·", 1)
    rest = re.sub(r"[·年月日]", "", given)
    assert rest == "", "the procedure's form has more than is compared"


@pytest.mark.clause("5.6")
@pytest.mark.clause("3.5.1")
@pytest.mark.parametrize("stage", list(OrderStage))
def test_an_order_prints_every_field_of_the_form_in_every_state(repairs, sign_in, stage):
    order = repairs.order(stage)
    number, ticket = order.number, order.ticket.number
    answer = sign_in("office").get(f"/orders/{order.id}/print")
    sound(answer, "print")
    text = words_of(answer)
    expected = [bare(word) for word in ORDER_FORM]
    if stage is OrderStage.TRANSFERRED:
        expected[expected.index(bare("维修队队长自检:"))] = bare("工程材料部自检:")
    assert [word for word in expected if word not in bare(text)] == []
    assert number in text
    assert ticket in text
    assert TOLD in text
    assert ("未签发" in text) is (stage.value in ("draft", "approving", "approved"))
    assert ("已作废：重复" in text) is (stage is OrderStage.CANCELLED)


@pytest.mark.clause("5.5")
@pytest.mark.parametrize("stage", [SurveyStage.SCHEDULED, SurveyStage.RECORDED, SurveyStage.SIGNED])
def test_a_survey_prints_every_field_of_the_form_in_every_state(repairs, sign_in, stage):
    survey = repairs.survey(stage)
    number = survey.number
    answer = sign_in("office").get(f"/surveys/{survey.id}/print")
    sound(answer, "print")
    page = read(answer)
    text = "".join(page.found)
    assert [word for word in SURVEY_FORM if bare(word) not in bare(text)] == []
    assert number in text
    assert TOLD in text, "what the customer reported stands on the blank sheet"
    assert "2024-03-08 交付" in text, "from and until when the warranty runs"
    assert "至 2029-03-08" in text
    assert ("卫生间顶板有渗水痕迹" in text) is (stage is not SurveyStage.SCHEDULED)
    assert ("客户反映：" in text) is (stage is SurveyStage.SCHEDULED)
    assert ("无须到场" in text) is (stage is not SurveyStage.SCHEDULED)
    signatures = [one for one in page.pictures if "small" in one]
    assert len(signatures) == {"scheduled": 0, "recorded": 1, "signed": 5}[stage.value]


def test_a_signed_survey_shows_findings_signatures_and_what_was_decided(repairs, sign_in):
    ticket = repairs.concluded(LEAK, CRACK)
    survey = db.session.query(SiteSurvey).filter_by(ticket_id=ticket.id).one()
    pictures = {box.signature.key for box in survey.boxes if box.signature}
    page = read(sign_in("manager").get(f"/surveys/{survey.id}/print"))
    text = "".join(page.found)
    assert "施工质量 / 施工单位" in text
    assert "2024-03-08" in text, "the warranty's arithmetic"
    assert "估价合计：1,600 元" in text
    assert "认定 A类（保修）" in text
    assert "陈静" in text
    assert {re.search(r"/files/(\w+)/small", one).group(1) for one in page.pictures} >= pictures


def test_absence_and_refusal_print_with_reason_and_evidence(repairs, sign_in):
    survey = repairs.survey(SurveyStage.RECORDED, estimate_fen=900_000)
    why = {"signature": "", "opinion": "", "evidence": "短信 20261125"}
    repairs.sign(survey, Side.CONTRACTOR, presence=Presence.ABSENT, reason="通知后未到场", **why)
    repairs.sign(survey, Side.CUSTOMER, presence=Presence.REFUSED, reason="不认可估价", **why)
    text = words_of(sign_in("office").get(f"/surveys/{survey.id}/print"))
    assert "未到场：通知后未到场" in text
    assert "拒签：不认可估价" in text
    assert text.count("凭证：短信 20261125") == 2


@pytest.mark.clause("3.5.3")
def test_a_finished_order_prints_result_checks_and_the_customers_word(make, repairs, sign_in):
    order = repairs.order(OrderStage.SELF_CHECKED)
    with transaction():
        acceptance.inspect(
            order,
            version=order.version,
            inspected_for=Inspector.PROPERTY,
            inspection="物业看过合格",
            actor=make.user("office2"),
        )
    repairs.signed(order, satisfaction=Satisfaction.VERY_SATISFIED, opinion="师傅很细心")
    key = order.signature_key
    page = read(sign_in("office").get(f"/orders/{order.id}/print"))
    text = bare("".join(page.found))
    before, _, after = text.partition("物业处检查:")
    assert "物业看过合格" in after
    assert "物业看过合格" not in before
    assert "郑敏" in after
    assert "闭水合格" in before
    assert "师傅很细心" in before
    assert "☑ 很满意" in "".join(page.found)
    assert "签名:王国强" in before
    assert "工人:阿强" in before
    assert f"/files/{key}/small" in page.pictures
    assert len(page.pictures) == 3, "before, after, signature"


def test_a_refusal_prints_instead_of_the_signature(repairs, sign_in):
    order = repairs.order(OrderStage.SELF_CHECKED)
    repairs.signed(
        order,
        refused=True,
        satisfaction=None,
        refusal_reason="要求赔偿",
        refusal_evidence="录音 12",
        signature="",
    )
    text = words_of(sign_in("office").get(f"/orders/{order.id}/print"))
    assert "客户拒签：要求赔偿" in text
    assert "凭证：录音 12" in text


@pytest.mark.parametrize(
    ("channel", "ticked"),
    [
        (Channel.PROPERTY, "物业处"),
        (Channel.SALES, "经营部"),
        (Channel.PHONE, "客户"),
        (Channel.WEB, "客户"),
        (Channel.HOTLINE, "客户"),
    ],
)
def test_the_channel_ticks_one_of_the_three_boxes(repairs, sign_in, channel, ticked):
    order = repairs.order(OrderStage.ISSUED, channel=channel)
    text = words_of(sign_in("office").get(f"/orders/{order.id}/print"))
    row = text.partition("信息来源")[2].partition("维修时限")[0]
    assert re.findall("☑ (.{2,3})(?=□|☑|（)", re.sub(r"(?<=[处户部])\s+", "", row)) == [ticked]
    assert f"（{channel.label}）" in row


@pytest.mark.parametrize(
    ("proposed", "title"), [(OrderClass.A, "A、<s>B</s>类"), (OrderClass.B, "<s>A</s>、B类")]
)
def test_the_class_that_does_not_apply_is_struck_out(repairs, sign_in, proposed, title):
    order = repairs.order(OrderStage.DRAFT, proposed=proposed)
    page = sign_in("office").get(f"/orders/{order.id}/print").get_data(as_text=True)
    assert title in page
    assert f"<b>{proposed.value}</b> 类" in page


@pytest.mark.clause("3.4.5-延")
def test_extensions_and_the_contractor_print(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    extend(order, make, later(8))
    text = words_of(sign_in("office").get(f"/orders/{order.id}/print"))
    assert f"→ {later(8)}：防水材料须订货（王国强 同意，电话录音）" in text
    transferred = repairs.order(OrderStage.TRANSFERRED)
    text = words_of(sign_in("office").get(f"/orders/{transferred.id}/print"))
    assert "转施工单位：海安机电" in text
    assert "须更换立管" in text


@pytest.mark.clause("3.5.4")
def test_a_rework_prints_its_chain(make, repairs, sign_in):
    order = repairs.order(OrderStage.ACCEPTED)
    ticket, first = order.ticket, order.number
    with transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="又漏了",
            actor=make.user("clerk"),
        )
    with transaction():
        again = orders.draft(
            ticket,
            order_class=order.order_class,
            team_id=order.team_id,
            defect_ids=[item.defect_id for item in order.items],
            scope="返修",
            estimate_fen=10_000,
            rework_of_id=order.id,
            actor=make.user("office"),
        )
    text = words_of(sign_in("office").get(f"/orders/{again.id}/print"))
    assert re.search(rf"返修{first} .+ → {again.number}（本单）", text)
    single = repairs.order(OrderStage.DRAFT)
    assert "返修" not in words_of(sign_in("office").get(f"/orders/{single.id}/print"))


def test_the_code_on_the_paper_leads_to_its_page(repairs, sign_in, monkeypatch):
    order = repairs.order(OrderStage.ISSUED)
    asked = []
    for module in (order_prints, survey_prints):
        real = module.qr_code
        monkeypatch.setattr(
            module, "qr_code", lambda address, real=real: asked.append(address) or real(address)
        )
    office = sign_in("office")
    order_id, survey_id = order.id, order.survey_id
    for address in (f"/orders/{order_id}/print", f"/surveys/{survey_id}/print"):
        assert 'class="qr"' in office.get(address).get_data(as_text=True)
    assert asked == [
        f"http://localhost/orders/{order_id}",
        f"http://localhost/surveys/{survey_id}",
    ]


def test_phones_are_masked_as_on_the_pages(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    order_id, survey_id = order.id, order.survey_id
    whole, hidden = "13800001202", "138****1202"
    for username, sees in (
        ("office", True),
        ("manager", True),
        ("auditor", False),
        ("chief", False),
        ("reader", False),
    ):
        client = sign_in(username)
        for address in (f"/orders/{order_id}/print", f"/surveys/{survey_id}/print"):
            text = words_of(client.get(address))
            assert (whole in text) is sees, (username, address)
            assert (hidden in text) is not sees, (username, address)
    captain = sign_in("captain")
    assert whole in words_of(captain.get(f"/orders/{order_id}/print")), "he has to call"
    assert hidden in words_of(captain.get(f"/surveys/{survey_id}/print")), "the visit is over"
    to_come = repairs.survey(SurveyStage.SCHEDULED).id
    assert whole in words_of(captain.get(f"/surveys/{to_come}/print"))
    done = repairs.order(OrderStage.ACCEPTED).id
    assert hidden in words_of(captain.get(f"/orders/{done}/print"))


def test_nobody_prints_what_is_not_his(repairs, sign_in):
    order, draft = repairs.order(OrderStage.ISSUED), repairs.order(OrderStage.DRAFT)
    order_id, survey_id, draft_id = order.id, order.survey_id, draft.id
    own = (f"/orders/{order_id}/print", f"/surveys/{survey_id}/print")
    piles = (f"/orders/print?id={order_id}", f"/surveys/print?id={survey_id}")
    for username in ("far_clerk", "seller"):
        client = sign_in(username)
        for address in (*own, *piles):
            assert client.get(address).status_code == 404, (username, address)
    for address in (*own, *piles, "/orders/print/choose", "/surveys/print/choose"):
        assert sign_in("admin").get(address).status_code == 403, address
    captain = sign_in("captain")
    assert captain.get(own[0]).status_code == 200
    assert captain.get(f"/orders/{draft_id}/print").status_code == 404, "not issued to him"
    assert captain.get(f"/orders/print?id={order_id}&id={draft_id}").status_code == 404
    page = sign_in("far_clerk").get("/orders/print/choose").get_data(as_text=True)
    assert "云栖苑" not in page


def test_fifty_orders_print_at_once_each_on_its_page_and_fifty_one_do_not(repairs, sign_in):
    order = repairs.order(OrderStage.ACCEPTED)
    ids = [order.id, *copies(order, MOST)]
    office = sign_in("office")

    def pile(numbers):
        return "/orders/print?" + "&".join(f"id={number}" for number in numbers)

    db.session.rollback()
    with recorded(db.engine) as few:
        assert office.get(pile(ids[:2])).status_code == 200
    with recorded(db.engine) as many:
        answer = office.get(pile(ids[:MOST]))
    assert len(many.statements) == len(few.statements) == 8
    page = answer.get_data(as_text=True)
    assert page.count('<article class="paper sheet">') == MOST
    assert page.count('class="qr"') == MOST
    asked = office.get(pile(reversed(ids[:3]))).get_data(as_text=True)
    numbers = re.findall(r"序号：<b>([^<]+)</b>", asked)
    assert len(numbers) == 3
    assert numbers[-1] == order.number, "in the order asked for"
    answer = office.get(pile(ids))
    assert answer.status_code == 422
    assert "一次最多打印 50 张派工单，您选了 51 张，请分批打印。" in answer.get_data(as_text=True)
    again = office.get(pile([ids[0]] * 60)).get_data(as_text=True)
    assert again.count("<article") == 1


def test_fifty_surveys_print_at_once_and_fifty_one_do_not(repairs, sign_in):
    survey = repairs.survey(SurveyStage.SCHEDULED)
    values = {
        column.key: getattr(survey, column.key)
        for column in SiteSurvey.__table__.columns
        if column.key not in ("id", "number", "version", "round")
    }
    with transaction():
        more = [SiteSurvey(**values, number=f"YX-2026-K9{n:04d}", round=n + 2) for n in range(MOST)]
        db.session.add_all(more)
    ids = [survey.id, *(one.id for one in more)]
    office = sign_in("office")

    def pile(numbers):
        return "/surveys/print?" + "&".join(f"id={number}" for number in numbers)

    db.session.rollback()
    with recorded(db.engine) as few:
        assert office.get(pile(ids[:2])).status_code == 200
    with recorded(db.engine) as many:
        page = office.get(pile(ids[:MOST])).get_data(as_text=True)
    assert len(many.statements) == len(few.statements)
    assert page.count('<article class="paper sheet">') == MOST
    answer = office.get(pile(ids))
    assert answer.status_code == 422
    assert "一次最多打印 50 张会签表" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("kind", "title"), [("orders", "派工单"), ("surveys", "会签表")])
def test_nothing_chosen_and_nonsense_are_refused(sign_in, kind, title):
    office = sign_in("office")
    answer = office.get(f"/{kind}/print")
    assert answer.status_code == 422
    assert f"请先选择要打印的{title}。" in answer.get_data(as_text=True)
    for nonsense in ("x", "-1", "9" * 30, "999999", "1'--"):
        assert office.get(f"/{kind}/print?id={nonsense}").status_code == 404, nonsense


def test_papers_are_chosen_from_a_list(repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    blank = repairs.survey(SurveyStage.SCHEDULED)
    order_id, blank_id, signed_id = order.id, blank.id, order.survey_id
    office = sign_in("office")
    page = office.get("/orders/print/choose").get_data(as_text=True)
    assert f'name="id" value="{order_id}"' in page
    assert f"/orders/print?id={order_id}" in page
    assert f'name="id" value="{order_id}"' not in office.get(
        "/orders/print/choose?class=B"
    ).get_data(as_text=True)
    page = office.get("/surveys/print/choose").get_data(as_text=True)
    assert f'name="id" value="{blank_id}"' in page
    assert f'name="id" value="{signed_id}"' not in page
    page = office.get("/surveys/print/choose?signed=1").get_data(as_text=True)
    assert f'name="id" value="{signed_id}"' in page
    for kind, paper_id in (("orders", order_id), ("surveys", blank_id), ("surveys", signed_id)):
        page = office.get(f"/{kind}/{paper_id}").get_data(as_text=True)
        assert f"/{kind}/{paper_id}/print" in page
    assert "/surveys/print/choose" in office.get("/surveys/").get_data(as_text=True)
    assert "/orders/print/choose" in office.get("/orders/").get_data(as_text=True)


def test_what_people_typed_is_printed_as_text(make, repairs, sign_in):
    order = repairs.order(OrderStage.ACCEPTED, LEAK._replace(words=EVIL, place=EVIL[:20]))
    with transaction():
        for name in ("scope", "visit_note", "self_check", "inspection", "customer_opinion"):
            setattr(order, name, EVIL)
        order.customer_name = EVIL
        order.survey.situation = order.survey.remark = EVIL
        for finding in order.survey.findings:
            finding.situation = finding.arithmetic = EVIL
    office = sign_in("office")
    for address in (f"/orders/{order.id}/print", f"/surveys/{order.survey_id}/print"):
        answer = office.get(address)
        sound(answer, address)
        reader = Reader()
        reader.feed(answer.get_data(as_text=True))
        assert "onerror" not in reader.attributes
        assert "<script>alert" not in answer.get_data(as_text=True)


def test_a_signed_paper_on_file_as_pdf_leaves_the_signature_line(repairs, sign_in):
    order = repairs.order(OrderStage.SELF_CHECKED)
    with transaction():
        paper = repairs.picture(
            Slot.SIGNED_PAPER, ticket_id=order.ticket_id, order_id=order.id, by="captain"
        )
        paper.kind, paper.width, paper.height = "application/pdf", None, None
    repairs.signed(order, signature=paper.key)
    page = read(sign_in("office").get(f"/orders/{order.id}/print"))
    assert paper.key not in "".join(page.pictures)
    assert "签名：王国强" in "".join(page.found)


def test_a_qr_code_scales_with_its_box_and_is_never_cut_off(repairs, sign_in):
    """Without a size of its own but with a view box, all three corner marks are inside whatever the style sheet gives it."""
    order = repairs.order(OrderStage.ISSUED)
    addresses = (f"/orders/{order.id}/print", f"/surveys/{order.survey_id}/print")
    office = sign_in("office")
    for address in addresses:
        page = office.get(address).get_data(as_text=True)
        (svg,) = re.findall(r"<svg[^>]*>", page)
        assert re.search(r'viewBox="0 0 (\d+) \1"', svg), svg
        assert "width=" not in svg
        assert "height=" not in svg
