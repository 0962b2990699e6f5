"""Risk classes: what is refused, reviewed or labelled. Everything else is shared without asking anybody.

    prompt --words--> Assessment <--image classifier-- frames of a clip

    assessment = assess_prompt("a fox dances in the snow")
    assessment.is_clean  # True: share

Knows no database, no web and no torch; whoever calls decides what to do with an assessment.
"""

from unstrung.risk.assessment import Assessment, Finding, FrameScore, Span
from unstrung.risk.classes import Consequence, Grounds, RiskClass
from unstrung.risk.errors import InvalidInput, ListError, ModelMissing, RiskError
from unstrung.risk.frames import assess_frames
from unstrung.risk.prompts import assess_prompt
from unstrung.risk.words import Rules, read_rules, shipped_rules

__all__ = [
    "Assessment",
    "Consequence",
    "Finding",
    "FrameScore",
    "Grounds",
    "InvalidInput",
    "ListError",
    "ModelMissing",
    "RiskClass",
    "RiskError",
    "Rules",
    "Span",
    "assess_frames",
    "assess_prompt",
    "read_rules",
    "shipped_rules",
]
