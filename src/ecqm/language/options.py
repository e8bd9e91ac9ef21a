"""Options of the compiler."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ecqm.language.conversions import NO_PROMOTIONS, Promotions


class SignatureLevel(Enum):
    """When a call records the operand types of the chosen overload."""

    NONE = "None"
    DIFFERING = "Differing"
    OVERLOADS = "Overloads"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class CompilerOptions:
    """The supported options of the reference translator, with the published defaults.

    `annotations` adds the narrative (the source of each definition, linked to its nodes), `locators` the place of each
    node in the source, and `result_types` the type of each node.
    """

    annotations: bool = False
    locators: bool = False
    result_types: bool = False
    signatures: SignatureLevel = SignatureLevel.OVERLOADS
    promotions: Promotions = NO_PROMOTIONS

    def names(self) -> str:
        """The options as they are named in a library's annotation."""
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
