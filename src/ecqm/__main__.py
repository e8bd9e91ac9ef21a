"""The command `ecqm`, also as `python -m ecqm`."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def main() -> None:
    """Run the command line in a process of its own."""
    # Importing takes a while, and Ctrl-C would show where it was. A process in the background ignores Ctrl-C.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, _end)
    from ecqm.own_processes import keep_out_pandas

    keep_out_pandas()
    from ecqm.cli.main import main as command

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command(prog_name="ecqm")


def _end(*_: object) -> NoReturn:
    """End as commands do after Ctrl-C (`ecqm.cli.failures`)."""
    os.write(2, b"ecqm: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
