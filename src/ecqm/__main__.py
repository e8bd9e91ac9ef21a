"""`python -m ecqm` is the command `ecqm`."""

from ecqm.cli.main import main

if __name__ == "__main__":
    main(prog_name="ecqm")
