"""The State Council's list is read as it is written; what is not understood is quoted, never guessed."""

import time
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.kernel.errors import Invalid
from ticketing.masters.workcalendar.models import SpecialDay
from ticketing.masters.workcalendar.notice import (
    LONGEST_TEXT,
    as_lines,
    check,
    from_csv,
    from_rows,
    understand,
)
from ticketing.masters.workcalendar.package import NamedDay, special_days

OFF, ON = SpecialDay.HOLIDAY, SpecialDay.MAKEUP

NOTICE_2026 = """国务院办公厅关于2026年
部分节假日安排的通知
国办发明电〔2025〕7号

各省、自治区、直辖市人民政府，国务院各部委、各直属机构：
　　经国务院批准，现将2026年元旦、春节、清明节、劳动节、端午节、中秋节和国庆节放假调休日期的具体安排通知如下。
　　一、元旦：1月1日（周四）至3日（周六）放假调休，共3天。1月4日（周日）上班。
　　二、春节：2月15日（农历腊月二十八、周日）至23日（农历正月初七、周一）放假调休，共9天。2月14日（周六）、2月28日（周六）上班。
　　三、清明节：4月4日（周六）至6日（周一）放假，共3天。
　　四、劳动节：5月1日（周五）至5日（周二）放假调休，共5天。5月9日（周六）上班。
　　五、端午节：6月19日（周五）至21日（周日）放假，共3天。
　　六、中秋节：9月25日（周五）至27日（周日）放假，共3天。
　　七、国庆节：10月1日（周四）至7日（周三）放假调休，共7天。9月20日（周日）、10月10日（周六）上班。
　　节假日期间，各地区、各部门要妥善安排好值班和安全、保卫等工作，确保人民群众祥和平安度过节日假期。
国务院办公厅
2025年11月4日
"""

NOTICE_2025 = """国务院办公厅关于2025年部分节假日安排的通知 国办发明电〔2024〕12号
一、元旦：1月1日（周三）放假1天，不调休。
二、春节：1月28日（农历除夕、周二）至2月4日（农历正月初七、周二）放假调休，共8天。1月26日（周日）、2月8日（周六）上班。
三、清明节：4月4日（周五）至6日（周日）放假，共3天。
四、劳动节：5月1日（周四）至5日（周一）放假调休，共5天。4月27日（周日）上班。
五、端午节：5月31日（周六）至6月2日（周一）放假，共3天。
六、国庆节、中秋节：10月1日（周三）至8日（周三）放假调休，共8天。9月28日（周日）、10月11日（周六）上班。
"""


def marks(days):
    return {(one.day, one.kind) for one in days}


@pytest.mark.parametrize(
    ("text", "year", "number"),
    [(NOTICE_2026, 2026, "国办发明电〔2025〕7号"), (NOTICE_2025, 2025, "国办发明电〔2024〕12号")],
)
@pytest.mark.parametrize("shape", ["as it is", "one line", "full width", "crlf"])
def test_the_official_notices_come_out_day_for_day(text, year, number, shape):
    if shape == "one line":
        text = text.replace("\n", "")
    if shape == "full width":
        text = text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    if shape == "crlf":
        text = text.replace("\n", "\r\n\r\n")
    found = understand(text)
    check(found.year, found.days)
    assert (found.year, found.number) == (year, number)
    assert marks(found.days) == marks(special_days(year))
    assert found.aside == ()


def test_a_range_may_run_over_the_end_of_a_month_and_a_list_may_leave_the_month_out():
    found = understand("国庆节：9月29日至10月5日放假，共7天。9月19日、26日上班。", year=2026)
    assert [one.day for one in found.days if one.kind is OFF] == [
        date(2026, 9, 29) + timedelta(days=n) for n in range(7)
    ]
    assert [one.day for one in found.days if one.kind is ON] == [
        date(2026, 9, 19),
        date(2026, 9, 26),
    ]


def test_an_encouragement_is_no_holiday_and_is_shown_as_left_aside():
    found = understand(
        "春节：2月10日至17日放假调休，共8天。鼓励各单位安排职工在除夕（2月9日）休息。", year=2024
    )
    assert date(2024, 2, 9) not in {one.day for one in found.days}
    assert found.aside == ("鼓励各单位安排职工在除夕(2月9日)休息。",)


def test_a_weekend_of_the_year_before_is_left_aside_and_a_working_day_of_it_is_not_swallowed():
    text = "元旦：2022年12月31日至2023年1月2日放假调休，共3天。"
    found = understand(text, year=2023)
    assert [one.day for one in found.days] == [date(2023, 1, 1), date(2023, 1, 2)]
    assert "2022-12-31" in found.aside[0]
    other = understand("元旦：1月1日至3日放假，共3天。2011年12月31日上班。", year=2012)
    with pytest.raises(Invalid, match="不在 2012 年"):
        check(2012, other.days)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("一、元旦：1月1日放价三天。", "1月1日放价三天"),
        ("一、元旦：1月1日（周五）至3日（周日）放假，共3天。", "周五"),
        ("一、元旦：1月1日至3日放假，共4天。", "共 4 天"),
        ("一、元旦：1月3日至1日放假。", "起止日期不对"),
        ("一、元旦：1月1日至12月31日放假。", "起止日期不对"),
        ("一、元旦：1月32日放假。", "没有这一天"),
        ("一、元旦：2月29日放假。", "没有这一天"),
        ("一、元旦：13月1日放假。", "没有这一天"),
        ("一、元旦：1日放假。", "没有这一天"),
        ("1月1日放假。", "1月1日放假"),
        ("一、元旦：1月1日至放假。", "看不懂这一行"),
        ("一、元旦：1月1日放假4月5日上班。", "看不懂这一行"),
        ("", "请粘贴"),
        ("今天天气很好。", "没有读出"),
        ("2026-01-01 放假 元旦\n2026-13-01 放假 元旦", "2026-13-01"),
        ("2026-01-01 放架 元旦", "放架"),
        ("2026-01-01 放假 元旦\n1月2日放假", "1月2日放假"),
        ("长" * (LONGEST_TEXT + 1), "内容过长"),
    ],
)
def test_what_is_not_understood_is_refused_and_quoted(text, sentence):
    with pytest.raises(Invalid) as refused:
        understand(text, year=2026)
    assert sentence in refused.value.message
    assert refused.value.message.endswith("。")


@pytest.mark.parametrize(
    ("given_as", "field"),
    [({"year": 2027}, "year"), ({"number": "国办发明电〔2025〕8号"}, "number")],
)
def test_year_and_number_must_agree_with_the_notice(given_as, field):
    with pytest.raises(Invalid) as refused:
        understand(NOTICE_2026, **given_as)
    assert refused.value.field == field
    understand(NOTICE_2026, year=2026, number="国办发明电[2025]7号")


def test_without_a_title_the_year_must_be_said():
    with pytest.raises(Invalid) as refused:
        understand("一、元旦：1月1日放假。")
    assert refused.value.field == "year"


def changed(year=2026, *, without=(), plus=()):
    return [one for one in special_days(year) if one.day not in without] + list(plus)


D = date.fromisoformat
CONTRADICTIONS = {
    "another year": (changed(plus=[NamedDay(D("2027-01-01"), OFF, "元旦")]), "不在 2026 年"),
    "make-up on a weekday": (
        changed(plus=[NamedDay(D("2026-03-03"), ON, "春节")]),
        "2026-03-03（周二）本来就上班",
    ),
    "both": (changed(plus=[NamedDay(D("2026-02-28"), OFF, "春节")]), "既写了放假，又写了上班"),
    "twice": (changed(plus=[NamedDay(D("2026-02-15"), OFF, "春节")]), "写了两次"),
    "no name": (changed(plus=[NamedDay(D("2026-03-03"), OFF, " ")]), "没有写节日名称"),
    "no spring festival": (
        changed(without=[date(2026, 2, 15) + timedelta(days=n) for n in range(9)]),
        "缺少法定节日：春节",
    ),
    "short spring festival": (
        changed(without=[date(2026, 2, 15) + timedelta(days=n) for n in range(7)]),
        "春节放假少于 3 天",
    ),
    "no national day": (changed(without=[D("2026-10-02")]), "10月2日"),
    "too many": (
        changed(plus=[NamedDay(D("2026-07-01") + timedelta(days=n), OFF, "假") for n in range(60)]),
        "不应超过",
    ),
}


@pytest.mark.parametrize("case", list(CONTRADICTIONS))
def test_a_list_that_contradicts_itself_or_the_law_is_refused(case):
    days, sentence = CONTRADICTIONS[case]
    with pytest.raises(Invalid, match=sentence):
        check(2026, days)


@pytest.mark.parametrize(
    "year", [y for y in range(2008, max(chinese_calendar.holidays).year + 1) if y != 2020]
)
def test_every_list_of_the_past_would_be_accepted(year):
    check(year, list(special_days(year)))


days_of_a_year = st.dictionaries(
    st.dates(date(2027, 1, 1), date(2027, 12, 31)),
    st.tuples(st.sampled_from([OFF, ON]), st.sampled_from(["元旦", "春节", "国庆节、中秋节"])),
    min_size=1,
    max_size=40,
)


@given(found=days_of_a_year)
def test_a_list_written_a_day_a_line_is_read_back(found):
    days = sorted(NamedDay(day, kind, name) for day, (kind, name) in found.items())
    assert list(understand(as_lines(days)).days) == days


@given(found=days_of_a_year, order=st.permutations(["日期", "类别", "名称", "备注"]))
def test_a_table_is_read_whatever_the_order_of_its_columns(found, order):
    days = sorted(NamedDay(day, kind, name) for day, (kind, name) in found.items())
    words = {OFF: "放假", ON: "调休上班"}
    rows = [order]
    for one in days:
        row = {"日期": one.day, "类别": words[one.kind], "名称": one.name, "备注": ""}
        rows.append([row[head] for head in order])
    text = from_rows(enumerate(rows, 1))
    assert list(understand(text).days) == days
    lines = "\r\n".join(",".join(map(str, row)) for row in rows)
    for encoding in ("utf-8-sig", "gb18030"):
        assert from_csv(lines.encode(encoding)) == text


@given(
    first=st.dates(date(2027, 1, 1), date(2027, 12, 15)),
    length=st.integers(1, 14),
    made_up=st.lists(st.dates(date(2027, 1, 1), date(2027, 12, 31)), max_size=3, unique=True),
    told=st.booleans(),
)
def test_a_sentence_of_the_notice_is_read_as_it_was_meant(first, length, made_up, told):
    last = first + timedelta(days=length - 1)
    week = "一二三四五六日"

    def say(day):
        return f"{day.month}月{day.day}日（{'周' + week[day.weekday()] if told else '农历某日'}）"

    off = say(first) if length == 1 else f"{say(first)}至{say(last)}"
    on = "、".join(map(say, made_up)) + "上班。" if made_up else ""
    days = understand(f"二、春节：{off}放假调休，共{length}天。{on}", year=2027).days
    assert {one.day for one in days if one.kind is OFF} == {
        first + timedelta(days=n) for n in range(length)
    }
    assert {one.day for one in days if one.kind is ON} == set(made_up)


@settings(max_examples=300)
@given(
    text=st.text(
        alphabet=st.sampled_from(
            "一二三、：:。，；至和月日年0123456789（）() \n放假上班共天周春节鼓励〔〕号-,"
        ),
        max_size=200,
    )
)
def test_any_text_is_read_or_refused_and_nothing_else(text):
    try:
        said = [one.name for one in understand(text, year=2027).days]
    except Invalid as refused:
        said = [refused.message.removesuffix("。")]
    assert said
    assert all(said)


@pytest.mark.parametrize(
    "unit", ["1月1日", "一、", "（", "1日、", "一、元旦：", "、", "至1日", "2027年", "国", " "]
)
def test_hostile_repetition_costs_no_time(unit):
    text = (unit * LONGEST_TEXT)[:LONGEST_TEXT]
    began = time.process_time()
    for one in (text, f"一、元旦：{text[:-10]}放假", f"2027-01-01 放假 元旦\n{text[:-40]}"):
        try:
            understand(one, year=2027)
        except Invalid:
            continue
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "没有日期"),
        ("日期,类别\n2027-01-01,放假".encode(), "第 1 行应是栏目名"),
        ("日期,类别,名称\n昨天,放假,元旦".encode(), "昨天"),
        ("日期,类别,名称\n2027-01-01,过年,元旦".encode(), "过年"),
        ("日期,类别,名称\n2027-01-01,放假,".encode(), "没有写节日名称"),
        ("日期,类别,名称\n".encode() + "2027-01-01,放假,元旦\n".encode() * 200, "超过"),
        (b"\xff\xfe\x00\x81", "编码"),
    ],
)
def test_a_bad_table_is_refused_with_its_row(content, sentence):
    with pytest.raises(Invalid) as refused:
        from_csv(content)
    assert sentence in refused.value.message
    assert refused.value.field == "file"
