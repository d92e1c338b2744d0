"""Console commands; they call the same commands as the pages do."""

import getpass
import sys

import click
from flask import Flask
from flask.cli import AppGroup

from ticketing.books.imprest import verifying as imprest
from ticketing.books.ledger import verifying as ledger
from ticketing.books.payments import queries as payments
from ticketing.books.retention import queries as retention
from ticketing.casefile.attachments import queries as attachments
from ticketing.edges.console import clauses, road
from ticketing.journal import queries as journal
from ticketing.kernel.db import transaction
from ticketing.kernel.errors import DomainError
from ticketing.kernel.locking import reading
from ticketing.masters.people import commands as people
from ticketing.masters.people import setting_up
from ticketing.procedure.vocabulary import Role
from ticketing.settings import Settings
from ticketing.steps.settlement import verifying as settlements


def install(app: Flask) -> None:
    """Hang the commands on the app."""
    users = AppGroup("users", help="人员账号。")
    app.cli.add_command(users)
    books = AppGroup("ledger", help="账簿。")
    app.cli.add_command(books)

    @books.command("verify")
    def _verify_books() -> None:
        """由分录重算每个余额，核对每张凭证、冲销和付款单；有问题时以非零状态退出。"""
        with reading():
            found = _books()
        _tell_books(*found)

    @users.command("create-admin")
    @click.argument("username")
    @click.option("--name", default="系统管理员", help="姓名")
    @click.option("--password-stdin", is_flag=True, help="从标准输入读取密码")
    def _create_admin(username: str, name: str, password_stdin: bool) -> None:
        """建立管理员账号；密码从提示符或标准输入读取。"""
        password = sys.stdin.readline().strip() if password_stdin else getpass.getpass("密码：")
        try:
            with transaction():
                people.create_user(
                    username=username, name=name, password=password, roles=[Role.ADMIN], actor=None
                )
        except DomainError as error:
            raise click.ClickException(error.message) from None
        click.echo(f"已建立管理员 {username}。")

    @users.command("setup-code")
    def _setup_code() -> None:
        """给出一次性初始化代码，在 /set-up 页面建立第一个管理员。"""
        from ticketing.masters.people.queries import any_user

        if any_user():
            raise click.ClickException("系统已经初始化。")
        with transaction():
            code = setting_up.offer_setup_code()
        click.echo(f"初始化代码（只能使用一次）：{code}")

    @app.cli.command("verify")
    def _verify() -> None:
        """核对审计日志的校验链、照片与签字件的文件、账簿；有问题时以非零状态退出。"""
        settings: Settings = app.extensions["ticketing"]
        with reading():
            verdict = journal.verify()
            files = attachments.verify(settings.store)
            found = _books()
        if verdict.fault:
            raise click.ClickException(f"审计日志有误：{verdict.fault}")
        click.echo(f"审计日志 {verdict.entries} 条，校验链完整；末条校验值 {verdict.head}")
        for fault in files.faults:
            click.echo(fault, err=True)
        if files.faults:
            raise click.ClickException(f"照片与签字件有误：{len(files.faults)} 份")
        click.echo(f"照片与签字件 {files.checked} 份，文件齐全，内容与登记一致")
        _tell_books(*found)

    @app.cli.command("road")
    def _road() -> None:
        """打印由流程表生成的 docs/road.md。"""
        click.echo(road.document(), nl=False)

    @app.cli.command("procedure")
    def _procedure() -> None:
        """列出制度条款及承载它的测试。"""
        for line in clauses.table():
            click.echo(line)


def _books() -> tuple[ledger.Verdict, payments.Verdict, settlements.Verdict, list[str]]:
    """Everything that proves the books; deposits and funds have their faults only."""
    others = [*retention.verify(), *imprest.verify()]
    return ledger.verify(), payments.verify(), settlements.verify(), others


def _tell_books(
    verified: ledger.Verdict,
    paid: payments.Verdict,
    settled: settlements.Verdict,
    others: list[str],
) -> None:
    """Say what was counted, or every fault. Raises ClickException."""
    faults = [*verified.faults, *paid.faults, *settled.faults, *others]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise click.ClickException(f"账簿有误：{len(faults)} 处")
    click.echo(
        f"账户 {verified.accounts} 个，凭证 {verified.entries} 张，分录 {verified.lines} 行，付款单 {paid.checked} 张，"
        f"结算单 {settled.checked} 张：借贷平衡，余额与分录一致"
    )
