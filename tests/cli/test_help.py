"""Help: complete, readable on 80 columns, with examples that name commands and options as they are."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from ecqm.cli.main import main


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


def shown(words: tuple[str, ...]) -> str:
    result = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("words", [(), ("bundle",), *COMMANDS], ids=" ".join)
def test_help_fits_a_terminal(words: tuple[str, ...]) -> None:
    assert all(len(line) <= 80 for line in shown(words).splitlines())


def test_the_package_is_the_command() -> None:
    shown = subprocess.run([sys.executable, "-m", "ecqm", "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("Usage: ecqm [OPTIONS] COMMAND")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_explained(words: tuple[str, ...]) -> None:
    options = [each for each in COMMANDS[words].params if isinstance(each, click.Option)]
    assert not [option.name for option in options if not option.help]


def examples(command: click.Command) -> list[list[str]]:
    epilog = (command.epilog or "").replace("\\\n", "")
    return [shlex.split(line) for line in epilog.splitlines() if line.strip().startswith("ecqm ")]


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] != "bundle"], ids=" ".join)
def test_examples_are_commands(words: tuple[str, ...]) -> None:
    found = examples(COMMANDS[words])
    assert found
    for example in found:
        own = example[1 : len(words) + 1]
        assert tuple(own) == words
        known = {option for parameter in COMMANDS[words].params for option in parameter.opts}
        assert {word for word in example if word.startswith("--")} <= known
