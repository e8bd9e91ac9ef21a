"""`ecqm submission`: results of a run as a file that CMS takes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ecqm.reporting.submission import PROGRAMS


@click.command("submission")
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["qpp", "qrda3"]),
    required=True,
    help="JSON of the Quality Payment Program, or QRDA Category III.",
)
@click.option(
    "--measure", "measures", multiple=True, metavar="NAME", help="The measure (may be repeated); all if none."
)
@click.option(
    "--program",
    type=click.Choice(PROGRAMS),
    metavar="PROGRAM",
    help="The programme and who reports in it. QRDA III without one is HL7's, with nothing of CMS. "
    f"One of {', '.join(PROGRAMS)}.",
)
@click.option("--tin", metavar="NUMBER", help="Taxpayer identification number, 9 digits.")
@click.option("--npi", metavar="NUMBER", help="National Provider Identifier, 10 digits.")
@click.option("--entity-id", metavar="ID", help="Of the virtual group, subgroup or APM entity that reports.")
@click.option("--mvp", metavar="ID", help="The MIPS Value Pathway that is reported, such as G0053.")
@click.option("--organization", metavar="NAME", help="Who sends the QRDA III document, by name.")
@click.option("--ehr-certification", metavar="ID", help="CMS EHR Certification ID, for QRDA III to CMS.")
@click.option("--allow-errors", is_flag=True, help="Go on although patients or measures failed, or data were missing.")
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file.")
def command(
    results: Path,
    form: str,
    measures: tuple[str, ...],
    program: str | None,
    tin: str | None,
    npi: str | None,
    entity_id: str | None,
    mvp: str | None,
    organization: str | None,
    ehr_certification: str | None,
    allow_errors: bool,
    output: Path,
) -> None:
    """Write the results of `ecqm run` in RESULTS as a file for CMS.

    Nothing is evaluated again, and nothing is sent. QRDA III to CMS needs counts of sex, race, ethnicity and payer: run
    with --supplemental-data. Exits with 2 if the results cannot be submitted, which it says why.
    """
    from ecqm.data.writing import replace_file
    from ecqm.reporting.programs import SubmissionError
    from ecqm.reporting.qpp import qpp_submission
    from ecqm.reporting.qrda.category3 import Sender, write_qrda3
    from ecqm.reporting.submission import Submitter, check_numbers, read_results

    try:
        check_numbers(tin, npi)
        submitter = None if program is None else Submitter(program, tin, npi, entity_id, mvp)
        counts = read_results(results, measures, allow_errors)
        if form == "qrda3":
            sender = Sender(organization or "not stated", ehr_certification)
            document = write_qrda3(counts, sender, submitter)
            content, problems = document.xml, document.problems
        elif submitter is None:
            raise SubmissionError("the Quality Payment Program asks for --program")
        else:
            submission = qpp_submission(counts, submitter)
            content, problems = json.dumps(submission, indent=2).encode() + b"\n", ()
    except SubmissionError as error:
        raise click.ClickException(str(error)) from error
    replace_file(output, content)
    for problem in problems:
        click.echo(f"ecqm: warning: {problem}", err=True)
    click.echo(f"{output}: " + ", ".join(measure.name for measure in counts.measures))
