"""`ecqm submission`: results of a run as a file that CMS takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import FILE, measures_option
from ecqm.cli.parameters import argument, group, option, takes
from ecqm.cli.terminal import warn
from ecqm.reporting.submissions.submitter import PROGRAMS

if TYPE_CHECKING:
    from ecqm.reporting.results.counts import Counts
    from ecqm.reporting.submissions.submitter import Submitter

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class SubmitterOptions:
    """Who submits to which program."""

    program: str | None = option(
        "--program",
        type=click.Choice(PROGRAMS),
        metavar="PROGRAM",
        help="Program and who reports in it; without it, QRDA III follows HL7's guide alone. "
        f"One of {', '.join(PROGRAMS)}.",
    )
    tin: str | None = option("--tin", metavar="NUMBER", help="Taxpayer identification number, 9 digits.")
    npi: str | None = option("--npi", metavar="NUMBER", help="National Provider Identifier, 10 digits.")
    entity_id: str | None = option("--entity-id", metavar="ID", help="Id of the virtual group, subgroup or APM entity.")
    mvp: str | None = option("--mvp", metavar="ID", help="MIPS Value Pathway, such as G0053.")

    def submitter(self) -> Submitter | None:
        """The submitter, if a program is named. Raises SubmissionError for an invalid number."""
        from ecqm.reporting.submissions.submitter import Submitter, check_numbers

        check_numbers(self.tin, self.npi)
        if self.program is None:
            return None
        return Submitter(self.program, self.tin, self.npi, self.entity_id, self.mvp)


@dataclass(frozen=True)
class SubmissionRequest:
    """The arguments of `ecqm submission`."""

    results: Path = argument(type=click.Path(path_type=Path, exists=True, file_okay=False))
    format: str = option(
        "--format",
        type=click.Choice(["qpp", "qrda3"]),
        required=True,
        help="JSON of the Quality Payment Program, or QRDA Category III.",
    )
    measures: tuple[str, ...] = measures_option()
    submitting: SubmitterOptions = group(SubmitterOptions)
    organization: str | None = option(
        "--organization", metavar="NAME", help="Name of the organization that sends the QRDA III document."
    )
    ehr_certification: str | None = option(
        "--ehr-certification", metavar="ID", help="CMS EHR Certification ID, for QRDA III to CMS."
    )
    allow_errors: bool = option(
        "--allow-errors", is_flag=True, help="Write the file even if patients or measures failed, or data were missing."
    )
    output: Path = option("--output", required=True, type=FILE, help="File to write.")


@click.command(
    "submission",
    epilog=examples(
        "ecqm submission out --format qpp --program MIPS_GROUP --tin 123456789 \\",
        "    --output qpp.json",
        "ecqm submission out --format qrda3 --output counts.xml",
    ),
)
@takes(SubmissionRequest)
def command(request: SubmissionRequest) -> None:
    """Write the results of `ecqm run` in RESULTS as a file for CMS.

    Nothing is evaluated again, and nothing is sent. QRDA III to CMS needs counts of sex, race, ethnicity and payer: run
    with --supplemental-data. Exits with 2, and a reason, if the results cannot be submitted.
    """
    from ecqm.data.writing import replace_file
    from ecqm.reporting.submissions.errors import SubmissionError
    from ecqm.reporting.submissions.results import NO_COMPOSITES, composites_in, read_results

    try:
        submitter = request.submitting.submitter()
        counts = read_results(request.results, request.measures, request.allow_errors)
        document, problems = (_qrda3 if request.format == "qrda3" else _qpp)(counts, submitter, request)
    except SubmissionError as error:
        raise click.ClickException(str(error)) from error
    replace_file(request.output, document)
    for problem in problems:
        warn(problem)
    for composite in [] if request.measures else composites_in(request.results):
        warn(f"{composite} is left out: {NO_COMPOSITES}")
    click.echo(f"{request.output}: " + ", ".join(measure.name for measure in counts.measures))


def _qrda3(counts: Counts, submitter: Submitter | None, request: SubmissionRequest) -> tuple[bytes, Sequence[str]]:
    """A document of QRDA Category III, and what it cannot express."""
    from ecqm.reporting.submissions.category3.document import Sender, write_qrda3

    sender = Sender(request.organization or "not stated", request.ehr_certification)
    document = write_qrda3(counts, sender, submitter)
    return document.xml, document.problems


def _qpp(counts: Counts, submitter: Submitter | None, request: SubmissionRequest) -> tuple[bytes, Sequence[str]]:
    """A submission to the Quality Payment Program."""
    from ecqm.reporting.submissions.errors import SubmissionError
    from ecqm.reporting.submissions.qpp import qpp_submission

    if submitter is None:
        raise SubmissionError("the Quality Payment Program asks for --program")
    return json.dumps(qpp_submission(counts, submitter), indent=2).encode() + b"\n", ()
