"""Models that content brings along, for versions that do not come with ecqm.

Content repositories have the definitions of models that are newer than the compiler they were written with, as files of
their own or as FHIR Library resources ("Model Libraries" in the implementation guide Using CQL with FHIR). Drafts of
such definitions leave out what `settled` completes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ecqm.models.model import Model

FHIR = "http://hl7.org/fhir"
# Models that only come with ecqm: the data layer is made for their versions.
_FIXED = ("System", "FHIR", "QDM")
_CODE_ELEMENT = "primaryCodePath="
_NAMED = re.compile(r"[\t<, ](\w+)\.(?=[A-Za-z])")

_added: dict[tuple[str, str], str] = {}


def add_model(text: str) -> bool:
    """Make a model available in this process, given as the text of a model file. Returns False for one that cannot be
    used, because its instances are not those of FHIR (`targetUrl`).

    A model of the same name and version that was added before is replaced; one that comes with ecqm still takes
    precedence.
    """
    head = text.partition("\n\n")[0].split("\n")
    _, name, version, _ = head[0].split("\t")
    usable = name not in _FIXED and f"targetUrl\t{FHIR}" in head
    if usable:
        _added[name, version] = text
    return usable


def added_models() -> dict[tuple[str, str], str]:
    """The texts of the models that were added, by name and version."""
    return _added


def settled(text: str, load: Callable[[str, str], Model], newest_derived: Callable[[str], str | None]) -> str:
    """The text of an added model, completed with what its definition leaves to be understood.

    - The models whose types it names are required: FHIR in the only version, others in the newest version with types
      derived from FHIR's.
    - A type derived from one that is not in its model is derived from the type of FHIR with the same name.
    - A type without a code element (`primaryCodePath`) has that of its base.
    - The type of patients is that of the Patient context.
    """
    first, *blocks = text.rstrip("\n").split("\n\n")
    head = first.split("\n")
    name = head[0].split("\t")[1]
    stated = {line.split("\t")[1]: line.split("\t")[2] for line in head if line.startswith("requires\t")}
    for other in sorted(set(_NAMED.findall("\n".join(blocks))) - {name, "System", *stated}):
        version = "4.0.1" if other == "FHIR" else newest_derived(other)
        if version is not None:
            stated[other] = version
            head.append(f"requires\t{other}\t{version}")
    contexts = [line.split("\t") for line in head if line.startswith("context\tPatient\t")]
    if contexts and not any(line.startswith("patientClassName\t") for line in head):
        head += [f"patientClassName\t{contexts[0][2]}", "patientBirthDatePropertyName\tbirthDate"]
    known = {model: load(model, version) for model, version in stated.items()}
    return "\n\n".join(["\n".join(head), *_settled_types(name, blocks, known)]) + "\n"


def _settled_types(model: str, blocks: list[str], known: dict[str, Model]) -> list[str]:
    """The blocks of types, with the bases and code elements that they are to have."""
    heads = {(fields := block.partition("\n")[0].split("\t"))[1]: fields for block in blocks}
    for fields in heads.values():
        base, _, name = "".join(fields[2:3]).partition(".")
        found = known[base].type(name) if base in known else None
        if found is not None:
            fields[2] = str(found.type)

    def code_element(base: str) -> str | None:
        """The code element of a type, its own or inherited."""
        other, _, name = base.partition(".")
        if other in known:
            lineage = known[other].lineage(name)
            return next((type_.primary_code_path for type_ in lineage if type_.primary_code_path), None)
        fields = heads.get(name, []) if other == model else []
        own = next((field for field in fields[3:] if field.startswith(_CODE_ELEMENT)), None)
        return own.removeprefix(_CODE_ELEMENT) if own is not None else code_element("".join(fields[2:3]))

    completed = []
    for block in blocks:
        first, newline, elements = block.partition("\n")
        fields = heads[first.split("\t")[1]]
        inherited = code_element(f"{model}.{fields[1]}") if "retrievable" in fields else None
        if inherited is not None and f"{_CODE_ELEMENT}{inherited}" not in fields:
            fields = [*fields, f"{_CODE_ELEMENT}{inherited}"]
        completed.append("\t".join(fields) + newline + elements)
    return completed
