"""Commands that speak the reader's language: help, usage errors, and what we think was meant.

Help texts are written once as ``"English / 中文"``; a reader of Chinese sees the second half, everyone else the
first. An unknown command or option names the nearest known one. Our own errors become one line with code, place and
cure, and the exit status of their class; a wrong call ends with 2, as a wrong configuration does.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from vfl.cli.screen import language
from vfl.errors import VflError

__all__ = ["Command", "Group", "group", "pick"]

SEPARATOR = " / "


def pick(text: str) -> str:
    """The reader's half of ``"English / 中文"``."""
    en, _, zh = text.partition(SEPARATOR)
    return zh if zh and language() == "zh" else en


class _Formatter(click.HelpFormatter):
    """Click's layout under headings in the reader's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix=pick("Usage: / 用法：").rstrip() + " ")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        headings = {"Options": "Options / 选项", "Commands": "Commands / 命令"}
        with super().section(pick(headings.get(name, name))):
            yield


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """One command."""

    context_class = _Context

    def get_short_help_str(self, limit: int = 45) -> str:
        return pick(self.help or "").split("\n")[0]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = pick("Show this page. / 显示本页。")
        return option

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(pick(self.help))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                records.append((record[0], _help_of(param, record[1])))
        if records:
            with formatter.section("Options"):
                formatter.write_dl(records)


def _help_of(param: click.Parameter, shown: str) -> str:
    """``shown`` holds the whole help and, after two blanks, Click's own notes such as the default."""
    text = getattr(param, "help", None) or ""
    return shown.replace(text, pick(text)) if text else shown


class Group(Command, click.Group):
    """A group of commands; the outermost one is also where errors end."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of work, not of the alphabet."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 3)
            path = ctx.command_path
            if near:
                said = f"`{path}` has no command {args[0]}; did you mean {', '.join(near)}?"
                zh = f"`{path}` 没有命令 {args[0]}，是否想输入：{'、'.join(near)}？"
            else:
                said = f"`{path}` has no command {args[0]}; `{path} --help` lists them."
                zh = f"`{path}` 没有命令 {args[0]}；`{path} --help` 可列出全部命令。"
            raise click.UsageError(zh if language() == "zh" else said, ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        Command.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; every failure is said in one line and becomes the exit status of its class."""
        kwargs["standalone_mode"] = False
        try:
            status = super().main(*args, **kwargs)
        except VflError as error:
            _end(error.in_(language()), error.exit_code)
        except click.exceptions.NoArgsIsHelpError as error:
            _end(error.format_message(), error.exit_code)
        except click.UsageError as error:
            _end(_usage_text(error), error.exit_code)
        except click.ClickException as error:
            _end(error.format_message(), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _end(pick("Stopped. / 已停止。"), 130)
        raise SystemExit(status if isinstance(status, int) else 0)


def group(help: str, *, name: str | None = None) -> Callable[[Callable[..., Any]], Group]:
    """Decorator: a group of commands that says what it is for."""
    settings = {"help_option_names": ["-h", "--help"]}
    return click.group(name, cls=Group, help=help, no_args_is_help=True, context_settings=settings)


def _end(text: str, status: int) -> NoReturn:
    click.echo(text, err=True)
    raise SystemExit(status)


def _usage_text(error: click.UsageError) -> str:
    """What is wrong with the call, and how to see the right one."""
    zh = language() == "zh"
    path = error.ctx.command_path if error.ctx is not None else "vfl"
    if isinstance(error, click.NoSuchOption):
        known = [o for p in error.ctx.command.params for o in p.opts] if error.ctx is not None else []
        near = difflib.get_close_matches(error.option_name, known, 2)
        guess = _guess(near, zh)
        text = f"没有选项 {error.option_name}{guess}" if zh else f"there is no option {error.option_name}{guess}"
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.opts[-1] if isinstance(error.param, click.Option) else error.param.human_readable_name
        text = f"缺少 {name}" if zh else f"{name} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        name = error.param.opts[-1]
        text = f"{name} 的取值有误：{error.message}" if zh else f"{name}: {error.message}"
    else:
        text = error.format_message()
    see = f"详见 `{path} --help`。" if zh else f"See `{path} --help`."
    end = "" if text[-1] in ".?。？" else "。" if zh else "."
    return f"[USAGE] {text}{end} {see}"


def _guess(near: Sequence[str], zh: bool) -> str:
    if not near:
        return ""
    return f"，是否想输入 {'、'.join(near)}？" if zh else f"; did you mean {', '.join(near)}?"
