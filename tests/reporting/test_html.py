"""Pages of patients and decks: what is marked, counted and escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from lxml import html as reader

from tests.cli.samples import CASES, KIDNEY, SAMPLE, change_elm, copy_of_sample, ecqm

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
    assert clauses["in"] == {"c", "failed", "sign"}
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
    assert any("is met, but not what the population is drawn from" in each for each in told)


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
