"""The console of jobs: `flask jobs run`, `flask jobs once NAME`, `flask jobs list`."""

import signal
import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from ticketing.edges.jobs import running, scheduler
from ticketing.edges.jobs.schedule import BY_NAME, JOBS
from ticketing.kernel import clock


def install(app: Flask) -> None:
    """Hang the commands on the app."""
    jobs = AppGroup("jobs", help="后台任务。")
    app.cli.add_command(jobs)

    @jobs.command("run")
    def _run() -> None:
        """在独立进程中运行全部后台任务，直到停止。"""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        click.echo("后台任务已启动。")
        scheduler.serve(current_app._get_current_object())  # type: ignore[attr-defined]

    @jobs.command("once")
    @click.argument("name", type=click.Choice(list(BY_NAME)))
    def _once(name: str) -> None:
        """立即运行一项任务（供 cron 使用）；失败时以非零状态退出。"""
        outcome = running.run(BY_NAME[name], clock.now())
        if outcome.failed:
            raise click.ClickException(outcome.words)
        click.echo(outcome.words)

    @jobs.command("list")
    def _list() -> None:
        """列出任务。"""
        for job in JOBS:
            click.echo(f"{job.name:<14} {job.rhythm:<10} {job.label}")
