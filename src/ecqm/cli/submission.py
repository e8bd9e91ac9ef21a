"""`ecqm submission`: results of a run as a file that CMS takes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.reporting.submissions.submitter import PROGRAMS


@click.command(
    "submission",
    epilog=examples(
        "ecqm submission out --format qpp --program MIPS_GROUP --tin 123456789 \\",
        "    --output qpp.json",
        "ecqm submission out --format qrda3 --output counts.xml",
    ),
)
@click.argument("results", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["qpp", "qrda3"]),
    required=True,
    help="JSON of the Quality Payment Program, or QRDA Category III.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Measure by name, URL or CMS id (may be repeated); all by default.",
)
@click.option(
    "--program",
    type=click.Choice(PROGRAMS),
    metavar="PROGRAM",
    help="Program and who reports in it; without it, QRDA III follows HL7's guide alone. "
    f"One of {', '.join(PROGRAMS)}.",
)
@click.option("--tin", metavar="NUMBER", help="Taxpayer identification number, 9 digits.")
@click.option("--npi", metavar="NUMBER", help="National Provider Identifier, 10 digits.")
@click.option("--entity-id", metavar="ID", help="Id of the virtual group, subgroup or APM entity.")
@click.option("--mvp", metavar="ID", help="MIPS Value Pathway, such as G0053.")
@click.option("--organization", metavar="NAME", help="Name of the organization that sends the QRDA III document.")
@click.option("--ehr-certification", metavar="ID", help="CMS EHR Certification ID, for QRDA III to CMS.")
@click.option(
    "--allow-errors", is_flag=True, help="Write the file even if patients or measures failed, or data were missing."
)
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
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
    with --supplemental-data. Exits with 2, and a reason, if the results cannot be submitted.
    """
    from ecqm.data.writing import replace_file
    from ecqm.reporting.submissions.category3.document import Sender, write_qrda3
    from ecqm.reporting.submissions.programs import SubmissionError
    from ecqm.reporting.submissions.qpp import qpp_submission
    from ecqm.reporting.submissions.results import NO_COMPOSITES, composites_in, read_results
    from ecqm.reporting.submissions.submitter import Submitter, check_numbers

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
    left_out = [f"{name} is left out: {NO_COMPOSITES}" for name in ([] if measures else composites_in(results))]
    for problem in (*problems, *left_out):
        click.echo(f"ecqm: warning: {problem}", err=True)
    click.echo(f"{output}: " + ", ".join(measure.name for measure in counts.measures))
