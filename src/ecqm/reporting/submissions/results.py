"""The results that are submitted, read from the output folder of `ecqm run`; nothing is evaluated again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ecqm.json_decoding import json_decoder
from ecqm.reporting.results.counts import COUNTS, Counts, MeasureCount, read_counts
from ecqm.reporting.submissions.errors import SubmissionError


class _Run(msgspec.Struct, frozen=True):
    not_run: dict[str, str]
    missing_value_sets: list[str]


class _Errors(msgspec.Struct, frozen=True):
    not_read: list[str]


_read_run, _read_errors = json_decoder(_Run), json_decoder(_Errors)


def read_results(folder: Path, names: Sequence[str] = (), allow_errors: bool = False) -> Counts:
    """The counts of a run for submission: all measures, or those named, by name or CMS number.

    Composites have no counts of their own; without names they are left out (see `composites_in`). Raises
    SubmissionError if the folder has no results, or none of a measure, or if a composite is named; also, unless
    `allow_errors`, if a measure was not run, patients failed, data could not be read, or value sets were missing.
    """
    try:
        counts = read_counts(folder / COUNTS)
        run = _read_run((folder / "run.json").read_bytes())
        not_read = _read_errors((folder / "errors.json").read_bytes()).not_read
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SubmissionError(f"{folder} has no results of ecqm run: {error.strerror}: {error.filename}") from error
    except msgspec.DecodeError as error:
        raise SubmissionError(f"the results in {folder} cannot be read: {error}") from error
    chosen = [_named(counts, name) for name in names] or [each for each in counts.measures if each.groups]
    if not chosen:
        raise SubmissionError(f"{folder} has results of no measure that counts anything")
    for composite in (measure.name for measure in chosen if not measure.groups):
        raise SubmissionError(f"{composite} is a composite: {NO_COMPOSITES}")
    problems = _problems(chosen, run, not_read, bool(names))
    if problems and not allow_errors:
        raise SubmissionError("the run is not fit to be submitted:\n" + "\n".join(f"  {each}" for each in problems))
    return Counts(counts.date, chosen)


NO_COMPOSITES = (
    "QRDA Category III and the Quality Payment Program take counts and rates of measures, and have no place for a "
    "score that is composed of them; submit its components"
)


def composites_in(folder: Path) -> list[str]:
    """The names of the composites among the results of a run, for which `read_results` has succeeded."""
    return [measure.name for measure in read_counts(folder / COUNTS).measures if not measure.groups]


def _named(counts: Counts, name: str) -> MeasureCount:
    number = _cms(name)
    for measure in counts.measures:
        if name in (measure.name, measure.canonical) or (number is not None and number == _cms(measure.cms or "")):
            return measure
    known = ", ".join(measure.name for measure in counts.measures)
    raise SubmissionError(f"there are no results of a measure {name}; there are those of {known}")


def _cms(text: str) -> str | None:
    match = re.match(r"(?:CMS)?0*(\d+)(?:FHIR|v\d+)?$", text, re.IGNORECASE)
    return match[1] if match else None


def _problems(chosen: Sequence[MeasureCount], run: _Run, not_read: Sequence[str], named: bool) -> list[str]:
    found = [
        f"{measure.name}: the evaluation of {measure.errors} patients failed" for measure in chosen if measure.errors
    ]
    # A name begins with that of the measure, and may go on with that of a group or of supplemental data.
    names = {name for measure in chosen for name in (measure.name, measure.canonical)}
    found += [
        f"{name} was not run: {reason}"
        for name, reason in run.not_run.items()
        if not named or name.partition(", ")[0] in names
    ]
    found += [f"not read: {each}" for each in not_read]
    return found + [f"value set {each}" for each in run.missing_value_sets]
