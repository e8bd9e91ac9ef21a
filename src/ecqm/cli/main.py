"""The command line: `ecqm COMMAND`. Each command is a module of this package, imported when it is run."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from ecqm import __version__
from ecqm.cli.failures import reported

COMMANDS: Mapping[str, str] = {
    "measures": "List the measures of a content.",
    "run": "Evaluate measures on patients; write measure reports and a table.",
    "test": "Run the test cases of measures and compare results with what they expect.",
    "compare": "Show what differs between the results of two runs.",
    "explain": "Show the value of every definition for one patient, and why.",
    "load": "Load FHIR data into a cohort store, once for many runs.",
    "submission": "Write the results of a run as QPP JSON or QRDA III.",
    "requirements": "Show the data that measures require: types, elements, codes, value sets.",
    "plan": "Show how a measure is evaluated.",
    "compile": "Compile CQL to ELM.",
    "format": "Lay out CQL in one canonical way.",
    "eval": "Evaluate a CQL expression.",
    "repl": "Evaluate CQL line by line.",
    "convert": "Convert QDM patients between JSON and QRDA Category I.",
    "bundle": "Store measure specifications by reporting year, measure and version.",
    "serve": "Answer FHIR requests over HTTP: measures and CQL.",
    "conformance": "Run the HL7 tests of CQL.",
}


class Commands(click.Group):
    """The commands by name, with a line of help each; a command is imported when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ecqm.cli.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        _open_streams()
        with reported():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _open_streams() -> None:
    """Make standard output and error usable if they were closed, or cannot express a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # It stays open until the process ends.
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ecqm")
def main() -> None:
    """Execute electronic clinical quality measures over whole patient cohorts.

    Results go to standard output or to the file or folder of --output; warnings and errors go to standard error.
    Commands exit with 0 on success and with 2 if they could not run; those that check something (test, compile, format,
    eval, convert, conformance, bundle verify) exit with 1 if it fails, and compare if results differ. Ctrl-C exits with
    130.
    """
    # Most of what a command makes stays until it ends. Searching it for cycles as often as Python does by default took
    # a fifth of the time of `ecqm test`, and the search when the process ends another tenth.
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    main()
