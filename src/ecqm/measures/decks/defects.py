"""Cases whose published expectation is known to be wrong, listed by name with the reason and the evidence.

The list is a TOML file of `[[defect]]` tables: `measure` (the deck's folder or the measure's name), `case` (the
case's folder; or `cases`, several that share a defect), `reason`, `evidence`, and `wrong`: the codes of the
populations whose counts are wrong (absent or empty: any), `stratifier`, `measure-observation` and `score` for
those expectations, `error` if the data of the case make its evaluation fail. A listed case that agrees fails a run
until it is taken off the list; so does one that disagrees in more than is listed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecqm.measures.definition import PopulationCode

STRATIFIER = "stratifier"
OBSERVATION = PopulationCode.MEASURE_OBSERVATION.value
SCORE = "score"
ERROR = "error"
# What is compared in addition to populations, and does not decide whether a case agrees.
BESIDE = frozenset({STRATIFIER, OBSERVATION, SCORE})


class DefectListError(ValueError):
    """An unusable list of defects; the message names the entry and the problem."""


@dataclass(frozen=True)
class Defect:
    """A case whose published expectation is wrong; `wrong` names what is (empty: any population)."""

    measure: str
    case: str
    reason: str
    evidence: str
    wrong: frozenset[str] = frozenset()

    def covers(self, wrong: frozenset[str]) -> bool:
        """True if nothing but what is listed disagrees."""
        return wrong <= self.wrong or (not self.wrong and not wrong & (BESIDE | {ERROR}))

    @property
    def concerns_populations(self) -> bool:
        """Whether a population or an error is listed: these decide whether the case agrees."""
        return not self.wrong or bool(self.wrong - BESIDE)

    def to_json(self) -> dict[str, Any]:
        """The defect as in the JSON report of a deck."""
        return {"reason": self.reason, "evidence": self.evidence, "wrong": sorted(self.wrong)}


class DefectList:
    """Looks up whether a case is listed."""

    def __init__(self, defects: Iterable[Defect] = ()) -> None:
        self._defects: dict[tuple[str, str], Defect] = {}
        for defect in defects:
            if (defect.measure, defect.case) in self._defects:
                raise DefectListError(f"measure {defect.measure}, case {defect.case} is listed twice")
            self._defects[(defect.measure, defect.case)] = defect

    @classmethod
    def read(cls, path: Path) -> DefectList:
        """The list in a TOML file; an absent file is an empty list."""
        if not path.is_file():
            return cls()
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise DefectListError(f"{path}: it is not UTF-8 (byte {error.object[error.start]:#04x})") from None
        except tomllib.TOMLDecodeError as error:
            raise DefectListError(f"{path}: {error}") from error
        tables = content.pop("defect", [])
        if content:
            raise DefectListError(f"{path}: unknown {', '.join(content)}; defects are in tables [[defect]]")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise DefectListError(f"{path}: defects are in tables [[defect]]")
        return cls(d for number, table in enumerate(tables, 1) for d in _defects(table, f"{path}, defect {number}"))

    def __iter__(self) -> Iterator[Defect]:
        return iter(self._defects.values())

    def __len__(self) -> int:
        return len(self._defects)

    def find(self, case: str, *measure_names: str) -> Defect | None:
        """The defect of a case, under any of the names of its measure or folder."""
        for name in measure_names:
            defect = self._defects.get((name, case))
            if defect is not None:
                return defect
        return None


def _defects(table: dict[str, Any], where: str) -> Iterator[Defect]:
    for key in ("measure", "reason", "evidence"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise DefectListError(f"{where}: {key} is missing")
    unknown = set(table) - {"measure", "case", "cases", "reason", "evidence", "wrong"}
    if unknown:
        raise DefectListError(f"{where}: unknown {', '.join(sorted(unknown))}")
    cases = table.get("cases", [table["case"]] if "case" in table else [])
    if not isinstance(cases, list) or not cases or not all(isinstance(case, str) and case.strip() for case in cases):
        raise DefectListError(f"{where}: case is missing")
    listed = table.get("wrong", [])
    if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
        raise DefectListError(f"{where}: wrong is not a list of population codes")
    wrong = frozenset(listed)
    codes = {code.value for code in PopulationCode} | BESIDE | {ERROR}
    if not wrong <= codes:
        raise DefectListError(f"{where}: no population codes: {', '.join(sorted(wrong - codes))}")
    for case in cases:
        yield Defect(table["measure"], case, table["reason"], table["evidence"], wrong)
