"""The console command that loads the demo."""

import click
from flask import Flask
from flask.cli import AppGroup

from ticketing.edges.demo.loader import SEED, load
from ticketing.kernel.errors import DomainError


def install(app: Flask) -> None:
    """Hang `flask demo load` on the app."""
    demo = AppGroup("demo", help="演示数据。")
    app.cli.add_command(demo)

    @demo.command("load")
    @click.option("--seed", default=SEED, show_default=True, help="随机种子")
    def _load(seed: int) -> None:
        """向空库装入演示数据；已有人员的库拒绝装入。"""
        if not app.extensions["ticketing"].demo:
            raise click.ClickException("演示账号的密码人人皆知，须以 TICKETING_DEMO=1 运行。")
        try:
            settings = app.extensions["ticketing"]
            load(settings.instance / "imports", settings.store, seed=seed, tell=click.echo)
        except DomainError as error:
            raise click.ClickException(error.message) from None
