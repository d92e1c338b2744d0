"""The door of every page: who is asking, and may this kind of person come in at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, TypeVar, cast

import flask_login
from flask import Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager

from ticketing.kernel import clock
from ticketing.kernel.db import db, turn_to_write
from ticketing.kernel.errors import NotPermitted
from ticketing.kernel.locking import reading
from ticketing.masters.people import queries
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope, scope_of
from ticketing.procedure.permissions import Act

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

DOOR = "_door"


class Visitor(flask_login.UserMixin):
    """The signed-in person at this request. Its id, kept in the cookie, is the session's token."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.token = token

    def get_id(self) -> str:
        """The token Flask-Login keeps; the server stores only its hash."""
        return self.token


def install(app: Flask) -> None:
    """Give the app its login manager: sessions live in the database and can be revoked."""
    manager = LoginManager()
    manager.session_protection = None
    manager.init_app(app)

    @manager.user_loader
    def _load(token: str) -> Visitor | None:
        user = queries.signed_in(token, clock.now())
        return Visitor(user, token) if user else None

    @manager.unauthorized_handler
    def _sign_in() -> ResponseReturnValue:
        if request.method == "GET" and request.headers.get("X-Fragment") is None:
            session["after_sign_in"] = request.full_path.rstrip("?")
            return redirect(url_for("people.sign_in"))
        sentence = "登录已过期，没有保存。请先在新窗口登录，再返回上一页重新提交。"
        if request.headers.get("X-Fragment") is not None:
            return sentence, 401
        return render_template("expired.html", sentence=sentence, form=request.form), 401


def current_user() -> User:
    """The signed-in person's row. Only behind `requires` or `signed_in_only`."""
    return cast(User, flask_login.current_user.user)


def current_scope() -> Scope:
    """The signed-in person's scope, computed once a request."""
    scope: Scope | None = g.get("scope")
    if scope is None:
        scope = g.scope = scope_of(current_user())
    return scope


@contextmanager
def holding_nothing() -> Iterator[None]:
    """Hold no transaction inside the block, in which a stranger's file is read; who is acting is kept."""
    actor = current_user()
    db.session.expunge(actor)
    db.session.rollback()
    try:
        with reading():
            yield
    finally:
        db.session.add(actor)


def someone_signed_in() -> bool:
    """Whether this request comes from a signed-in person."""
    return bool(flask_login.current_user.is_authenticated)


def requires(
    *acts: Act, with_one_time_password: bool = False, in_turn: bool = False
) -> Callable[[View], View]:
    """Let in only signed-in people who may do one of `acts`; others get 401 or 403.

    Who signed in with a password somebody else gave him is led to changing it first, unless the page
    stands open `with_one_time_password`. Forms that many people send at once are taken `in_turn`.
    """

    def hang(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            with turn_to_write() if in_turn and request.method == "POST" else nullcontext():
                return entered(*args, **kwargs)

        def entered(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            if not someone_signed_in():
                return cast(
                    ResponseReturnValue, flask_login.utils.current_app.login_manager.unauthorized()
                )
            if current_user().password_is_one_time and not with_one_time_password:
                if request.method == "GET" and request.headers.get("X-Fragment") is None:
                    return redirect(url_for("people.account"))
                raise NotPermitted("请先修改一次性密码。")
            if acts and not any(current_scope().may(act) for act in acts):
                raise NotPermitted("您的岗位不能使用这一功能。")
            return view(*args, **kwargs)

        setattr(guarded, DOOR, acts or "signed in")
        return cast(View, guarded)

    return hang


def public(view: View) -> View:
    """Mark a page that anybody may open."""
    setattr(view, DOOR, "public")
    return view
