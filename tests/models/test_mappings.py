"""The mappings of elements to the data of another model."""

from __future__ import annotations

import pytest

from ecqm.models import load_model, model_names, model_versions
from ecqm.models.mappings import (
    ElementMapping,
    InstancePath,
    MappingByType,
    MappingFunction,
    UnknownMapping,
    ValuePath,
    parse_mapping,
)
from ecqm.types import CONCEPT, VALUE_SET

VALUE = ValuePath()


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("%value", VALUE),
        ("%value.value", ValuePath("value")),
        ("FHIRHelpers.ToCode(%value)", MappingFunction("FHIRHelpers", "ToCode", VALUE)),
        ("%parent.status.value", InstancePath("status.value")),
        ("%parent.extension[url='http://a.b/c'].value", InstancePath("extension", (("url", "http://a.b/c"),), "value")),
        (
            "%parent.component[code.coding.system='s',code.coding.code='1']",
            InstancePath("component", (("code.coding.system", "s"), ("code.coding.code", "1"))),
        ),
        ("%parent.medication[x].extension[url='u']", InstancePath("medication.extension", (("url", "u"),))),
        (
            "System.Concept:F.C(%value);System.ValueSet:F.V(%parent.a)",
            MappingByType(
                (
                    (CONCEPT, MappingFunction("F", "C", VALUE)),
                    (VALUE_SET, MappingFunction("F", "V", InstancePath("a"))),
                )
            ),
        ),
        ("where(resolve() is Patient)", UnknownMapping("where(resolve() is Patient)")),
        ("%parent", UnknownMapping("%parent")),
        ("%value[0]", UnknownMapping("%value[0]")),
    ],
)
def test_a_mapping_is_read(text: str, mapping: ElementMapping) -> None:
    assert parse_mapping(text) == mapping


def test_every_mapping_of_a_model_is_known() -> None:
    models = [load_model(name, version) for name in model_names() for version in model_versions(name)]
    targets = {
        element.target
        for model in models
        for type_ in model.types()
        for element in type_.elements.values()
        if element.target is not None
    }
    assert len(targets) > 50
    assert not [text for text in targets if "Unknown" in repr(parse_mapping(text))]
