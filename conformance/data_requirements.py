"""Compare the data requirements that follow from plans with those that measures publish.

    python conformance/data_requirements.py CONTENT --libraries DIR --valuesets DIR

Published measures contain a Library of the type module-definition ("effective data requirements") that the reference
translator made. Requirements are compared by type, profile and code filter; those in both also by the top-level
elements of `mustSupport`. Prints what differs and the numbers. Exits with 1 if a plan retrieves what is not published.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from content_arguments import content_parser, opened, selected

from ecqm.plan.requirements import data_requirements
from ecqm.reporting.requirements import requirement_json

Requirement = Mapping[str, Any]
Key = tuple[Any, ...]
MODULE_DEFINITION = "module-definition"


def main() -> None:
    content = opened(options := content_parser(__doc__).parse_args())
    published = published_requirements(options.content)
    counts: Counter[str] = Counter()
    for plan in selected(content).plans:
        if plan.measure.url in published:
            ours = by_key(map(requirement_json, data_requirements(plan.nodes)))
            theirs = by_key(published[plan.measure.url])
            counts["measures"] += 1
            counts.update(compared(plan.measure.name, ours, theirs))
    print(*(f"{number:,} {what}" for what, number in counts.items()), sep="\n")
    sys.exit(counts["in the plan only"] > 0)


def published_requirements(folder: Path) -> dict[str, list[Requirement]]:
    """The data requirements that Measure resources contain, by the URL of the measure."""
    found = {}
    for path in folder.glob("input/resources/measure/*.json"):
        measure = json.loads(path.read_bytes())
        for library in measure.get("contained", ()):
            codes = [coding.get("code") for coding in library.get("type", {}).get("coding", ())]
            if MODULE_DEFINITION in codes:
                found[measure["url"]] = library.get("dataRequirement", [])
    return found


def by_key(requirements: Iterable[Requirement]) -> dict[Key, set[str]]:
    """The top-level elements that must be supported, by type, profile and code filter."""
    found: dict[Key, set[str]] = {}
    for each in requirements:
        elements = {path.partition(".")[0] for path in each.get("mustSupport", ())}
        found.setdefault(key_of(each), set()).update(elements)
    return found


def key_of(requirement: Requirement) -> Key:
    told = []
    for each in requirement.get("codeFilter", ()):
        codes = tuple(sorted((code["system"], code["code"]) for code in each.get("code", ())))
        if "valueSet" in each or codes:
            told.append((each["path"], each.get("valueSet"), codes))
    return requirement["type"], tuple(requirement.get("profile", ())), tuple(told)


def compared(measure: str, ours: Mapping[Key, set[str]], theirs: Mapping[Key, set[str]]) -> Counter[str]:
    """How many requirements there are on both sides or on one, and how their elements compare."""
    for key in ours.keys() - theirs.keys():
        print(f"{measure}: in the plan only: {key}")
    for key in theirs.keys() - ours.keys():
        print(f"{measure}: published only: {key}")
    counts = Counter({"in both": 0, "in the plan only": len(ours.keys() - theirs.keys())})
    counts["published only"] = len(theirs.keys() - ours.keys())
    for key in ours.keys() & theirs.keys():
        counts["in both"] += 1
        more, fewer = ours[key] - theirs[key], theirs[key] - ours[key]
        counts["  with the same elements"] += not more and not fewer
        counts["  with elements that are not published"] += bool(more)
        counts["  without elements that are published"] += bool(fewer)
    return counts


if __name__ == "__main__":
    main()
