"""The documents say what the tables say."""

from ticketing.edges.console import clauses, road
from ticketing.procedure.clauses import CLAUSES
from ticketing.settings import ROOT


def test_the_printed_road_is_the_one_in_the_tables():
    assert (ROOT / "docs" / "road.md").read_text(encoding="utf-8") == road.document(), (
        "run: flask road > docs/road.md"
    )


def test_every_mark_names_a_clause_of_the_procedure():
    assert set(clauses.marked_tests()) <= set(CLAUSES)


def test_the_clauses_of_the_first_road_are_carried_by_tests():
    first_road = {
        "2.1.3", "2.2.2", "2.2.5", "3.4.1", "3.4.2", "3.4.2.1", "3.4.2.2", "3.4.3", "3.4.4",
        "3.4.5-他", "3.5.4", "3.7.1", "3.10.3", "3.10.4", "5.1", "5.3",
    }  # fmt: skip
    assert first_road - set(clauses.marked_tests()) == set()


def test_links_between_documents_lead_somewhere():
    import re

    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} → {target}"
