"""The report of a load as text."""

from __future__ import annotations

from typing import Any

from ecqm.data import DataProblem

_PROBLEMS_SHOWN = 20


def report_text(report: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    """The report of a store's manifest, and the codes that measures do not know: counts with what they count, then the
    first problems, those of whole files before others. With the report `before` an increment, how numbers of patients
    and resources have changed."""
    before = report if before is None else before
    change = _change(report["patients"], before["patients"])
    without = f"{report['patients_without_birth_date']:,} without birth date"
    lines = [_counted(report["patients"], f"patients{change}, {without}")]
    resources, earlier = report["resources"], before["resources"]
    for name in sorted(resources | earlier):
        count = resources.get(name, 0)
        lines.append(_counted(count, name + _change(count, earlier.get(name, 0))))
    if report["resources_without_patient"]:
        shared = ", ".join(f"{count:,} {name}" for name, count in report["resources_without_patient"].items())
        lines.append(_noted(f"without a patient: {shared} (those that patients refer to are counted above for each)"))
    lines.append(f"{report['bytes'] / 1e6:>12,.1f} MB of JSON in {report['files']:,} files")
    lines += [_noted(f"export of {each['transactionTime']} ({each['manifest']})") for each in report["exports"]]
    lines += [
        _counted(count, f"references of {name} that lead nowhere")
        for name, count in report["dangling_references"].items()
    ]
    if "codes" in report:
        unknown = report["codes_outside_value_sets"]
        lines.append(_counted(report["codes"], f"codes, {unknown:,} of them in no value set of the measures"))
    lines.append(_counted(report["problems"], "problems"))
    problems = [DataProblem(**problem) for problem in report["listed"]]
    shown = sorted(problems, key=lambda problem: not problem.of_file)[:_PROBLEMS_SHOWN]
    lines += [f"  {problem}" for problem in shown]
    if report["problems"] > _PROBLEMS_SHOWN:
        lines.append("  … all of them with --format json")
    return "\n".join(lines)


def _change(count: int, before: int) -> str:
    """By how much a count has changed; nothing if it has not."""
    return "" if count == before else f" ({count - before:+,})"


def _counted(count: int, what: str) -> str:
    return f"{count:>12,} {what}"


def _noted(note: str) -> str:
    return f"{'':>12} {note}"
