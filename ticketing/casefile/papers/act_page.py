"""The one page behind every act on a paper: show the form, carry it out, or show what others did meanwhile."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers.commands import Paper, Road
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_scope, current_user
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.workflow import Step


@dataclass(frozen=True)
class ActPage:
    """The acts on one kind of paper: its road, the name its templates and addresses know it by, and where it is shown.

    `fetch` finds one within a scope, `tell` puts journal lines into its words. `possible` raises what stands against an
    act before anything is typed.
    """

    road: Road
    name: str
    show: str
    template: str
    fetch: Callable[[Scope, int], Any]
    tell: Callable[[Iterable[StoryLine]], Sequence[Any]]
    possible: Callable[[Step[Any], Any, Any], None]

    def answer(
        self,
        paper: Paper,
        act: Act,
        form: BaseForm,
        command: Callable[..., Any],
        *,
        template: str = "",
        done: str = "",
        carry_out: bool = True,
        context: dict[str, Any] | None = None,
    ) -> ResponseReturnValue:
        """Answer a request to do `act` on `paper` with `form`, which becomes `command`'s arguments.

        On success the person goes back to the paper. A conflict shows what others did after he opened the page beside
        what he typed, and lets him submit again on the present version. Without `carry_out` the form is only shown again
        with what was typed: another button of the page was pressed.

        Raises NotPermitted, Conflict, Invalid when the act is not possible at all and nothing was typed yet.
        """
        actor = current_user()
        if request.method == "GET":
            self.possible(self.road.allowed(paper, act, actor), paper, actor)
        paper_id = paper.id
        if carry_out and form.carry_out(command, paper, actor=actor):
            flash(done or f"已办理：{act}。", "success")
            shown: dict[str, Any] = {f"{self.name}_id": paper_id}
            return redirect(url_for(self.show, **shown))
        newer: Sequence[Any] = []
        if form.conflict is not None:
            paper = self.fetch(current_scope(), paper_id)
            if form.conflict.seen is not None:
                newer = self.tell(
                    story(self.road.subject, paper_id, after_version=form.conflict.seen)
                )
            if isinstance(form, VersionedForm):
                form.version.data = paper.version
                form.version.raw_data = None
        page = render_template(
            template or self.template,
            act=act,
            form=form,
            newer=newer,
            **{self.name: paper},
            **(context or {}),
        )
        return page, form.status


def open_form(form_class: type[BaseForm], paper: Paper, **values: Any) -> Any:
    """A form for `paper`, filled with `values` and the version the person is about to see."""
    return form_class(data={"version": paper.version, **values})
