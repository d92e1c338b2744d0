"""The house by itself: storeys, rooms, file lengths, docstrings, templates, labels, console."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ticketing.edges.console import clauses as console
from ticketing.kernel.forms import BaseForm
from ticketing.procedure.clauses import CLAUSES, Manner
from ticketing.settings import ROOT

PACKAGE = ROOT / "ticketing"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_the_import_contracts_hold():
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "KEPT" in done.stdout


@pytest.mark.parametrize(
    ("word", "homes"),
    [
        ("datetime.now(", {"kernel/clock.py"}),
        ("date.today(", set()),
        ("session.commit(", {"kernel/db.py"}),
        ("utcnow", set()),
        ("|safe", set()),
        ("Markup(", {"edges/web/presentation.py", "casefile/tickets/views.py"}),
    ],
)
def test_what_belongs_in_one_place_is_in_one_place(word, homes):
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if word in path.read_text(encoding="utf-8")
    }
    assert found - {"edges/demo/loader.py"} <= homes


def test_no_module_is_longer_than_a_person_reads():
    long = {
        str(path.relative_to(ROOT)): n
        for path in MODULES
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_every_module_and_everything_public_says_what_it_is():
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            silent.append(str(path))
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and not ast.get_docstring(node):
                silent.append(f"{path}::{node.name}")
    assert silent == []


def test_the_clauses_named_in_docstrings_exist():
    named = re.compile(
        r"\((?:procedure )?(\d\.\d[\d.]*(?:-[单多延他])?(?:, \d\.\d[\d.]*(?:-[单多延他])?)*)\)"
    )
    unknown = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for group in named.findall(ast.get_docstring(node) or ""):
                    unknown += [
                        (path.name, number)
                        for number in group.split(", ")
                        if not any(f"{known}.".startswith(f"{number}.") for known in CLAUSES)
                    ]
    assert unknown == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_parses_and_holds_nothing_inline(app_for_templates, path):
    source = path.read_text(encoding="utf-8")
    app_for_templates.jinja_env.parse(source)
    assert "style=" not in source
    assert "<style" not in source
    assert not re.search(r"<script(?![^>]*src=)", source)
    assert not re.search(r"\son[a-z]+=", source)
    assert "|safe" not in source
    assert "http://" not in source.replace("http://www.w3.org", "")
    assert "https://" not in source
    for form in re.findall(
        r"<form(?![^>]*dialog)[^>]*method=.post.[^>]*>.*?</form>", source, re.DOTALL
    ):
        assert "hidden(" in form or "csrf_token" in form, form[:200]


@pytest.fixture(scope="module")
def app_for_templates(tmp_path_factory):
    from ticketing.app import create_app
    from ticketing.settings import Settings

    folder = tmp_path_factory.mktemp("house")
    return create_app(
        Settings(
            database_url=f"sqlite:///{folder / 'x.db'}",
            secret_key="x" * 32,
            instance=folder,
            testing=True,
        )
    )


def every_form():
    """Each form class of the product, once everything is imported."""
    import ticketing.app  # noqa: F401

    kinds, found = [BaseForm], []
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind is not BaseForm and kind.__module__.startswith("ticketing"):
            found.append(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def test_every_label_of_every_form_is_chinese(app_for_templates):
    forms = every_form()
    assert len(forms) >= 15
    with app_for_templates.test_request_context():
        for kind in forms:
            form = kind(formdata=None)
            assert form.meta.locales == ["zh"]
            for field in form:
                if getattr(field.widget, "input_type", "") == "hidden":
                    continue
                assert HAN.search(str(field.label.text)), (kind.__name__, field.name)


def test_every_column_with_a_changed_value_has_a_chinese_name():
    from ticketing.casefile.tickets.timeline import FIELD_NAMES

    assert all(HAN.search(name) for name in FIELD_NAMES.values())


def test_the_console_prints_every_clause_with_its_tests(app_for_templates):
    told = app_for_templates.test_cli_runner().invoke(args=["procedure"])
    assert told.exit_code == 0
    for number in CLAUSES:
        assert re.search(rf"^{re.escape(number)}\s", told.output, re.MULTILINE), number
    assert "test_a_complaint_goes_from_the_call_to_the_closed_ticket" in told.output


ROAD = (
    "2.1.3", "2.2.2", "3.4.1", "3.4.2", "3.4.2.1", "3.4.2.2", "3.4.3", "3.4.4", "3.4.5-他", "3.4.7", "3.5.4", "5.3",
)  # fmt: skip


def test_every_clause_of_the_first_road_has_a_test():
    marked = console.marked_tests(ROOT / "tests")
    assert [number for number in ROAD if number not in marked] == []
    assert set(marked) <= set(CLAUSES), "a test is marked with a clause that does not exist"
    assert {CLAUSES[number].manner for number in ROAD} <= set(Manner)


def test_no_asset_comes_from_elsewhere():
    for path in (ROOT / "static").rglob("*"):
        if path.suffix in (".css", ".js", ".svg"):
            source = path.read_text(encoding="utf-8").replace("http://www.w3.org", "")
            assert not re.search(r"https?://", source), path
            assert "eval(" not in source
