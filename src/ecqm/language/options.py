"""What a compilation can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ecqm.language.conversions import NO_PROMOTIONS, Promotions


class SignatureLevel(Enum):
    """When a call records the operand types that its overload was chosen for."""

    NONE = "None"
    DIFFERING = "Differing"
    OVERLOADS = "Overloads"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class CompilerOptions:
    """The options of the reference translator that this one knows, by the published defaults.

    `annotations` adds the narrative (the source of each definition, tied to the nodes made from it), `locators` the
    place of each node in the source, `result_types` the type of each node.
    """

    annotations: bool = False
    locators: bool = False
    result_types: bool = False
    signatures: SignatureLevel = SignatureLevel.OVERLOADS
    promotions: Promotions = NO_PROMOTIONS

    def names(self) -> str:
        """The options in the words of a library's annotation."""
        named = (
            ("EnableAnnotations", self.annotations),
            ("EnableLocators", self.locators),
            ("EnableResultTypes", self.result_types),
            ("DisableListDemotion", not self.promotions.list_demotion),
            ("DisableListPromotion", not self.promotions.list_promotion),
            ("EnableIntervalDemotion", self.promotions.interval_demotion),
            ("EnableIntervalPromotion", self.promotions.interval_promotion),
        )
        return ",".join(name for name, on in named if on)
