"""The model files equal what is made from the published definitions, and contain none of their prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.models import model_names, model_versions
from ecqm.models.modelinfo import model_text
from tests.content import CONTENT

ROOT = Path(__file__).parent.parent.parent
DEFINITIONS = sorted((CONTENT / "modelinfo").glob("*.xml"))
DATA = ROOT / "src" / "ecqm" / "models" / "data"


@pytest.mark.skipif(not DEFINITIONS, reason="published model definitions are not at hand ($ECQM_CONTENT or .content)")
def test_the_files_are_what_the_definitions_give() -> None:
    made = {}
    for path in DEFINITIONS:
        text = model_text(path.read_bytes())
        _, name, version, _ = text.partition("\n")[0].split("\t")
        made[f"{name}-{version}.model"] = text
    files = {path.name: path.read_text(encoding="utf-8") for path in DATA.glob("*.model")}
    assert {name: files[name] for name in made} == made
    # There is no published definition of QI-Core 5.0.0; the others were written by hand.
    assert files.keys() - made.keys() == {
        "QICore-5.0.0.model",
        "QICore-6.0.0-derived.model",
        "QICore-7.0.0.model",
        "USCore-6.1.0-derived.model",
        "USQualityCore-0.5.0.model",
    }
    assert len(files) == sum(len(model_versions(name)) for name in model_names())
