"""Prints the table of docs/qrda.md: which template of QRDA Category I each data type of QDM has, and which attributes.

python tools/qrda_templates.py
"""

from __future__ import annotations

from ecqm.data.qdm.qrda.demographics import BIRTHDATE, CODED
from ecqm.data.qdm.qrda.entry_template import EntryTemplate
from ecqm.data.qdm.qrda.templates import TEMPLATES
from ecqm.data.qdm.qrda.xml import TEMPLATES as ROOT
from ecqm.data.qdm.qrda.xml import Template, steps
from ecqm.data.qdm.schema import CODES, NEWEST, qdm_schema

HEADER = "in the header"
HEAD = ["| data type | template | attributes besides codes |", "|---|---|---|"]


def table() -> str:
    """The table in Markdown, data types in alphabetical order."""
    rows = {name: row(each, name) for each in TEMPLATES for name in each.data_types}
    rows |= {name: f"| {name} | {HEADER} | |" for name in (BIRTHDATE, *CODED)}
    return "\n".join([*HEAD, *(rows[name] for name in sorted(rows))])


def row(template: EntryTemplate, data_type: str) -> str:
    """The row of a data type, with the attributes of the last version of QDM that has it."""
    schema = next(s for version in (NEWEST, "5.5", "5.4") if data_type in (s := qdm_schema(version)).data_types)
    names = sorted(template.attributes & schema.attributes(data_type).keys() - {CODES})
    return f"| {data_type} | {identifiers(template)} | {', '.join(names)} |"


def identifiers(template: EntryTemplate) -> str:
    """The template of the entry, and of some that of the statement in it."""
    outer = [] if template.wrapper is None else [steps(template.wrapper.step)[0].templates[-1]]
    return ", in it ".join(map(identifier, (*outer, template.template)))


def identifier(template: Template) -> str:
    arc = template.oid.partition(ROOT)[2]
    return f"{arc}:{template.extension}" if template.extension else arc


if __name__ == "__main__":
    print(table())
