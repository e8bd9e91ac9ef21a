"""The command `ecqm`, also as `python -m ecqm`."""

from ecqm.own_processes import keep_out_pandas


def main() -> None:
    """Run the command line in a process of its own."""
    keep_out_pandas()
    from ecqm.cli.main import main as command

    command(prog_name="ecqm")


if __name__ == "__main__":
    main()
