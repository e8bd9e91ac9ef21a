"""Pages of patients and decks: what is marked, counted and escaped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from lxml import html as reader

from ecqm.measures.explanation.outcomes import Coverage, Outcome
from ecqm.reporting.decks.coverage import Share
from ecqm.reporting.html.coverage import percentage
from ecqm.reporting.html.deck import FileNames
from ecqm.reporting.html.page import Markup, joined, tag
from tests.cli.samples import CASES, KIDNEY, SAMPLE, STAY, change_elm, copy_of_sample, ecqm

Page = etree._Element


def patient_page(patient: str, measure: str = KIDNEY, content: Path = SAMPLE, data: Path | None = None) -> Page:
    arguments = ("--measure", measure, "--data", data or CASES / measure, "--patient", patient, "--format", "html")
    result = ecqm("explain", content, *arguments)
    assert result.exit_code == 0, result.output
    return reader.document_fromstring(result.stdout)


def text(element: Page) -> str:
    return " ".join("".join(element.itertext()).split())


def define(page: Page, name: str) -> Page:
    (found,) = [section for section in page.iter("section") if text(section.find(".//h3")) == name]
    return found


def marked(section: Page) -> dict[str, set[str]]:
    """The classes of the clauses of a definition, by their words."""
    return {text(span): set(span.get("class").split()) for span in section.xpath(".//pre//*[@class]")}


# -- one patient ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def young() -> Page:
    return patient_page("kidney-young")


def test_clauses_are_marked_by_what_they_came_to(young: Page) -> None:
    clauses = marked(define(young, "Initial Population"))
    assert clauses["in Interval[18, 85]"] == {"c", "failed", "sign"}
    assert clauses['"Age At End"'] == {"c", "held"}
    assert clauses["exists"] == {"c", "held", "sign"}


def test_the_words_are_those_of_the_measure(young: Page) -> None:
    words = text(define(young, "Age At End").find(".//pre"))
    assert words.startswith('define "Age At End":')
    assert text(define(young, "Age At End").find("header")) == "Age At End= 17"


def test_values_are_told_on_hover(young: Page) -> None:
    (age,) = define(young, "Initial Population").xpath(".//a[.='\"Age At End\"']")
    assert age.get("title") == "has a value: 17"


def test_links_lead_from_populations_to_what_they_use(young: Page) -> None:
    (population,) = young.xpath("//table//a[.='Initial Population']")
    section = define(young, "Initial Population")
    assert population.get("href") == f"#{section.get('id')}"
    used = {text(link): link.get("href") for link in section.iter("a")}
    assert used['"Age At End"'] == f"#{define(young, 'Age At End').get('id')}"


def test_functions_are_shown_where_a_measure_calls_them(deck: Path) -> None:
    stay, kidney = (read(deck / f"{measure}.html") for measure in (STAY, KIDNEY))
    observation = define(stay, "Measure Observation")
    assert text(observation.find(".//span")).startswith("function: ")
    assert marked(observation)
    assert "Measure Observation" not in {text(heading) for heading in kidney.iter("h3")}


def test_every_link_within_the_page_has_its_target(young: Page) -> None:
    targets = {f"#{name}" for name in young.xpath("//@id")}
    assert set(young.xpath("//@href")) <= targets
    assert len(targets) == len(young.xpath("//@id"))


def test_nothing_is_asked_for_from_elsewhere(young: Page) -> None:
    assert not young.xpath("//script | //link | //img | //@src | //@onclick")
    (policy,) = young.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")


def test_reasons_are_told(young: Page) -> None:
    told = [text(each) for each in young.iter("details")]
    assert any('"Age At End" in Interval[18, 85] → false' in each for each in told)
    assert any('"Numerator" is met, but the patient is not in denominator.' in each for each in told)


HOSTILE = "</span><script>alert('&amp;')</script>\"onmouseover=\"x"


def test_what_patients_data_hold_is_escaped(tmp_path: Path) -> None:
    def spoil(value: str) -> str:
        return value.replace("finished", HOSTILE.replace('"', '\\"'))

    data = copied_cases(tmp_path, "kidney-young", spoil)
    page = patient_page("kidney-young", data=data)
    assert not page.xpath("//script") and not page.xpath("//@onmouseover")
    assert any("<script>" in title for title in page.xpath("//@title"))


def test_what_measures_hold_is_escaped(tmp_path: Path) -> None:
    content = copy_of_sample(tmp_path)

    def rename(library: dict[str, object]) -> None:
        told = json.dumps(library).replace("Age At End", "Age <b>At</b> & End")
        library.clear()
        library.update(json.loads(told))

    change_elm(content, KIDNEY, rename)
    page = patient_page("kidney-young", content=content)
    assert define(page, "Age <b>At</b> & End") is not None
    assert text(define(page, "Initial Population").xpath(".//a")[0]) == '"Age <b>At</b> & End"'


def copied_cases(folder: Path, case: str, change: Callable[[str], str]) -> Path:
    """The data of one sample case with its text changed."""
    files = [path for path in (CASES / KIDNEY).rglob("*.json") if f'"{case}"' in path.read_text("utf-8")]
    target = folder / "data"
    target.mkdir()
    for number, path in enumerate(files):
        (target / f"{number}.json").write_text(change(path.read_text("utf-8")), "utf-8")
    return target


# -- a deck -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the sample deck, with one case that expects what is not found."""
    folder = tmp_path_factory.mktemp("deck")
    content = Path(shutil.copytree(SAMPLE, folder / "content"))

    def expect(name: str, change: Callable[[Any], None]) -> None:
        (case,) = content.glob(f"input/tests/measure/{KIDNEY}/{name}/*.json")
        bundle = json.loads(case.read_text("utf-8"))
        (report,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "MeasureReport"]
        change(report["group"][0])
        case.write_text(json.dumps(bundle), "utf-8")

    expect("too-young", lambda group: group["population"][0].update(count=1))
    expect("declined", lambda group: group["stratifier"][0]["stratum"][0]["population"][0].update(count=7))
    result = ecqm("test", content, "--html", folder / "pages")
    assert result.exit_code == 1
    return folder / "pages"


def read(path: Path) -> Page:
    return reader.document_fromstring(path.read_text("utf-8"))


def rows(page: Page) -> dict[str, list[str]]:
    return {text(row[0]): [text(cell) for cell in row[1:]] for row in page.xpath("//tbody/tr")}


def covered(page: Page, name: str) -> dict[str, str]:
    """What is told of the clauses of a definition, by their words."""
    return {text(clause): clause.get("title") for clause in define(page, name).xpath(".//pre//*[@class]")}


def test_the_index_counts_the_cases_of_each_measure(deck: Path) -> None:
    found = rows(read(deck / "index.html"))
    assert found[KIDNEY][:5] == ["12", "11", "0", "1", "0"]
    assert found[STAY][:5] == ["6", "6", "0", "0", "0"]


def test_cases_with_what_they_expect(deck: Path) -> None:
    found = rows(read(deck / f"{KIDNEY}.html"))
    differing = [(name, cells) for name, cells in found.items() if cells[0] == "differs"]
    assert len(differing) == 1 and "initial-population 1 → 0" in differing[0][1][1]
    assert list(found).index(differing[0][0]) == 0
    (strata,) = [cells for cells in found.values() if "stratum" in cells[1] and cells[0] == "agrees"]
    assert "expected 7, is" in strata[1]


def test_clauses_are_counted_over_all_cases(deck: Path) -> None:
    page = read(deck / f"{KIDNEY}.html")
    # One of twelve patients is too young, and one on dialysis; two declined the test.
    young = covered(page, "Initial Population")
    assert young["in Interval[18, 85]"] == "true in 11, not true in 1 of 12 cases"
    assert covered(page, "Denominator Exclusions")["exists"] == "true in 1, not true in 11 of 12 cases"
    declined = covered(page, "Tests Declined")
    assert declined['during day of "Measurement Period"'] == "true in 2, not true in 0 of 12 cases; no rows in 10"
    assert declined["Declined.notDoneReason"] == "a value in 2, null or empty in 0 of 12 cases; no rows in 10"


def test_conditions_that_no_case_decides_stand_out(deck: Path) -> None:
    page = read(deck / f"{KIDNEY}.html")
    assert marked(define(page, "Tests Declined"))['during day of "Measurement Period"'] == {"c", "half", "sign"}
    assert marked(define(page, "Initial Population"))["in Interval[18, 85]"] == {"c", "held", "sign"}
    assert text(define(page, "Tests Declined").find("header")).endswith("; 0 of 3 conditions both ways")


def test_a_case_that_differs_is_explained(deck: Path) -> None:
    (link,) = read(deck / f"{KIDNEY}.html").xpath("//tbody//th/a/@href")
    page = read(deck / link)
    (row,) = [row for row in page.xpath("//tbody/tr") if "differs" in text(row)]
    assert [text(cell) for cell in row][2:4] == ["1", "0"]
    assert marked(define(page, "Initial Population"))["in Interval[18, 85]"] == {"c", "failed", "sign"}
    (back,) = page.xpath("//a[starts-with(@href, '..')]/@href")
    assert (deck / link).parent.joinpath(back).resolve() == deck / f"{KIDNEY}.html"


# -- parts ------------------------------------------------------------------------------------------------------------


def test_what_becomes_markup_is_escaped() -> None:
    assert tag("p", "a < b", Markup("<b>c</b>"), None, title='"&"') == (
        '<p title="&quot;&amp;&quot;">a &lt; b<b>c</b></p>'
    )
    assert isinstance(joined("<", ">"), Markup)
    assert tag("p", joined("<")) == "<p>&lt;</p>"


def test_shares_are_rounded_down() -> None:
    clauses = [Coverage(1, 1, 0, 2, True)] * 299 + [Coverage(0, 2, 0, 2, False)]
    share = Share.of(clauses)
    assert (share.clauses, share.covered, share.conditions, share.decided) == (300, 299, 299, 299)
    assert percentage(share) == "99%"
    assert percentage(Share.of([])) == "–"


def test_coverage_of_cases_that_were_evaluated_apart() -> None:
    held, false = np.array([True, True, False]), np.array([False, True, False])
    one = Coverage.of(Outcome(held, false, np.zeros(3, np.bool_), True))
    assert one == Coverage(held=2, failed=1, unseen=1, cases=3, condition=True)
    assert one + one == Coverage(4, 2, 2, 6, True)


def test_files_are_told_apart() -> None:
    names = FileNames()
    assert [names.of(name) for name in ("A b/c", "a-B-c", "A b/c", "Index", "../..")] == [
        "A-b-c",
        "a-B-c-2",
        "A-b-c",
        "Index-2",
        "unnamed",
    ]
