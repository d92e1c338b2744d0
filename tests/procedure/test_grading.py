"""The rules of the grades: each at its threshold and one below it."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ticketing.procedure.grading import (
    RULE_OF_MARK,
    RULES,
    Facts,
    gravest,
    judge,
    months_after,
    reason,
    yuan,
)
from ticketing.procedure.suggestions import (
    PHENOMENA,
    RISK_WORDS,
    Suspicion,
    cause_of,
    suspected,
)
from ticketing.procedure.vocabulary import Category, Grade, Mark

TODAY = date(2026, 11, 25)
PLAIN = Facts(grade=Grade.GENERAL, today=TODAY, received_on=TODAY, due_on=TODAY + timedelta(days=7))
GENERAL, IMPORTANT, MAJOR = Grade


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def grade(**facts: object) -> Grade:
    return gravest(judge(replace(PLAIN, **facts)), GENERAL)  # type: ignore[arg-type]


BOUNDARIES = [
    # rule, just below, at the threshold, the grade it brings
    ("home_again", {"same_home": 1}, {"same_home": 2}, IMPORTANT),
    ("talks_3", {"talks": 2}, {"talks": 3}, IMPORTANT),
    ("homes_3", {"homes": 2}, {"homes": 3}, IMPORTANT),
    ("claim_5000", {"claim_fen": 499_999}, {"claim_fen": 500_000}, IMPORTANT),
    ("overdue_7", {"due_on": days_ago(6)}, {"due_on": days_ago(7)}, IMPORTANT),
    ("homes_5", {"homes": 4}, {"homes": 5}, MAJOR),
    ("claim_20000", {"claim_fen": 1_999_999}, {"claim_fen": 2_000_000}, MAJOR),
    ("reworked_3", {"reworks": 2}, {"reworks": 3}, MAJOR),
    (
        "important_30",
        {"grade": IMPORTANT, "received_on": days_ago(30)},
        {"grade": IMPORTANT, "received_on": days_ago(31)},
        MAJOR,
    ),
    (
        "unfinished_3_months",
        {"received_on": date(2026, 8, 25)},
        {"received_on": date(2026, 8, 24)},
        MAJOR,
    ),
    *[(mark.value, {}, {"marks": frozenset({mark})}, MAJOR) for mark in Mark],
]


def test_every_rule_is_tried_at_its_boundary():
    assert {row[0] for row in BOUNDARIES} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert set(RULE_OF_MARK.values()) <= {rule.id for rule in RULES}
    assert all(re.search(r"[\u4e00-\u9fff]", rule.sentence) for rule in RULES)


@pytest.mark.clause("3.4.7")
@pytest.mark.parametrize(("rule", "below", "at", "brings"), BOUNDARIES, ids=lambda row: str(row))
def test_a_rule_holds_from_its_threshold_on(rule, below, at, brings):
    def holding(facts):
        return {one.rule.id for one in judge(replace(PLAIN, **facts))}

    assert rule not in holding(below)
    assert rule in holding(at)
    assert grade(**at) is brings
    assert grade(**below).weight < brings.weight


def test_nothing_grave_is_general_and_the_night_alone_looks_at_days():
    assert judge(PLAIN) == []
    old = replace(PLAIN, received_on=days_ago(200), due_on=days_ago(190))
    assert gravest(judge(old), GENERAL) is MAJOR
    assert judge(old, by_time=False) == []


def test_what_the_rules_make_important_is_judged_as_an_important_one():
    assert grade(received_on=days_ago(31)) is GENERAL
    assert grade(received_on=days_ago(31), same_home=2) is MAJOR
    assert grade(received_on=days_ago(30), same_home=2) is IMPORTANT


def test_a_rule_set_aside_is_silent_until_the_figure_grows():
    five = replace(PLAIN, homes=5)
    aside = {"homes_5": 5, "homes_3": 5}
    assert judge(five, overruled=aside) == []
    assert {one.rule.id for one in judge(replace(five, homes=6), overruled=aside)} == {
        "homes_3",
        "homes_5",
    }


def test_days_alone_never_make_a_new_fact():
    old = replace(PLAIN, received_on=days_ago(100), due_on=days_ago(90))
    aside = {one.rule.id: one.weight for one in judge(old)}
    assert judge(replace(old, today=TODAY + timedelta(days=60)), overruled=aside) == []


def test_the_reason_is_a_sentence_with_the_figure_in_it():
    findings = judge(replace(PLAIN, homes=5, claim_fen=2_000_050, marks=frozenset({Mark.LEGAL})))
    assert reason(findings, MAJOR) == (
        "系统判定为重大：同一小区 30 天内 5 户同类问题；索赔 20,000.50 元；涉及诉讼或律师函。"
    )
    assert gravest(findings, MAJOR) is MAJOR


def test_an_amount_of_fen_is_shown_in_yuan():
    assert [yuan(fen) for fen in (0, 5, 100, 123_456_700)] == [
        "0 元",
        "0.05 元",
        "1 元",
        "1,234,567 元",
    ]


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 8, 24), 3, date(2026, 11, 24)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2026, 10, 31), 3, date(2027, 1, 31)),
    ],
)
def test_months_end_on_the_corresponding_date_or_the_end_of_the_month(day, months, later):
    assert months_after(day, months) == later


def test_the_same_trouble_in_other_words_is_one_cause():
    causes = {cause_of(Category.ENGINEERING, f"卧室{word}了") for word in ("漏水", "渗水", "返潮")}
    assert causes == {"ENG:leak"}
    assert cause_of(Category.PROPERTY, "楼道漏水") == "PM:leak"
    assert cause_of(Category.ENGINEERING, "瓷砖空鼓，后来也漏水") == "ENG:hollow"
    assert cause_of(Category.ENGINEERING, "态度不好") is None
    assert cause_of(None, "漏水") is None
    words = [word for group in PHENOMENA.values() for word in group]
    assert len(words) == len(set(words))


def test_risk_words_only_propose_what_is_not_known_and_not_denied():
    assert suspected("业主发来律师函，并说要找记者") == [
        Suspicion(Mark.LEGAL, "律师函"),
        Suspicion(Mark.MEDIA, "记者"),
    ]
    assert suspected("业主发来律师函", {Mark.LEGAL}) == []
    assert suspected("没有受伤，也不起诉") == []
    assert suspected("没有受伤，第二天有人受伤") == [Suspicion(Mark.SAFETY, "受伤")]
    assert set(RISK_WORDS) == set(Mark)
