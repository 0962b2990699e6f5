import pytest

from unstrung.studio.errors import InvalidField
from unstrung.studio.videos.schemas import CreateVideo
from unstrung.studio.wire import nested, shaped_form, validated


def test_brackets_become_members_and_lists() -> None:
    items = [
        ("prompt", "a fox"),
        ("video[id]", "video_1"),
        ("characters[][id]", "char_1"),
        ("characters[][id]", "char_2"),
        ("events[]", "a"),
        ("events[]", "b"),
    ]
    assert nested(items) == {
        "prompt": "a fox",
        "video": {"id": "video_1"},
        "characters": [{"id": "char_1"}, {"id": "char_2"}],
        "events": ["a", "b"],
    }


def test_an_element_with_several_members_stays_one() -> None:
    items = [("c[][id]", "1"), ("c[][name]", "x"), ("c[][id]", "2")]
    assert nested(items) == {"c": [{"id": "1", "name": "x"}, {"id": "2"}]}


@pytest.mark.parametrize(
    "items",
    [
        [("a[b]", "1"), ("a", "2")],
        [("a", "1"), ("a[b]", "2")],
        [("a[]", "1"), ("a[b]", "2")],
        [("a[b", "1")],
        [("", "1")],
    ],
)
def test_fields_that_contradict_each_other_are_refused(items: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidField):
        nested(items)


def test_a_repeated_key_is_a_list_and_refused_where_none_is_wanted() -> None:
    fields = nested([("prompt", "a fox"), ("prompt", "a hare")])
    assert fields == {"prompt": ["a fox", "a hare"]}
    with pytest.raises(InvalidField, match="prompt"):
        validated(CreateVideo, shaped_form(CreateVideo, fields))


def test_a_form_may_give_lists_and_objects_in_the_ways_that_clients_do() -> None:
    for characters in (
        {"id": "c1"},
        [{"id": "c1"}],
        '{"id": "c1"}',
        '[{"id": "c1"}]',
        ['{"id": "c1"}'],
    ):
        shaped = shaped_form(CreateVideo, {"prompt": "{a fox}", "characters": characters})
        asked = validated(CreateVideo, shaped)
        assert [each.id for each in asked.characters] == ["c1"]
        assert asked.prompt == "{a fox}"


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(
        InvalidField, match=r"Unknown parameter: 'promt'; known are .*prompt"
    ) as caught:
        validated(CreateVideo, {"prompt": "a fox", "promt": "x"})
    assert caught.value.param == "promt"
    assert caught.value.code == "unknown_parameter"


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidField, match="Missing required parameter: 'prompt'"):
        validated(CreateVideo, {})


@pytest.mark.parametrize(
    ("given", "kept"), [(4, "4"), ("4", "4"), ("8.0", "8"), (2.5, "2.5"), ("12", "12")]
)
def test_seconds_may_be_numbers_or_text(given: object, kept: str) -> None:
    assert validated(CreateVideo, {"prompt": "a fox", "seconds": given}).seconds == kept


@pytest.mark.parametrize("given", [0, -1, "x", True, None, "nan", 61, [4]])
def test_other_seconds_are_refused(given: object) -> None:
    with pytest.raises(InvalidField, match="seconds"):
        validated(CreateVideo, {"prompt": "a fox", "seconds": given})


@pytest.mark.parametrize("given", ["720", "0x0", "721x1280", "9999x9999", "axb", 720])
def test_sizes_that_cannot_be_made_are_refused(given: object) -> None:
    with pytest.raises(InvalidField, match="size"):
        validated(CreateVideo, {"prompt": "a fox", "size": given})


@pytest.mark.parametrize("prompt", ["", "  ", "\u200b", "a\x00b", "x" * 32_001])
def test_prompts_that_say_nothing_or_too_much_are_refused(prompt: str) -> None:
    with pytest.raises(InvalidField, match="prompt"):
        validated(CreateVideo, {"prompt": prompt})


def test_text_of_a_form_becomes_numbers() -> None:
    fields = {"prompt": "a fox", "seed": "7", "guidance_scale": "1.5", "verbatim": "true"}
    asked = validated(CreateVideo, shaped_form(CreateVideo, fields), is_form=True)
    assert (asked.seed, asked.guidance_scale, asked.verbatim) == (7, 1.5, True)


def test_yes_and_no_have_one_word_each() -> None:
    with pytest.raises(InvalidField, match="verbatim"):
        validated(CreateVideo, shaped_form(CreateVideo, {"prompt": "a fox", "verbatim": "0"}), True)


@pytest.mark.parametrize("field", [{"seed": "7"}, {"guidance_scale": "1.5"}, {"verbatim": 0}])
def test_json_says_what_is_a_number_and_what_is_not(field: dict[str, object]) -> None:
    with pytest.raises(InvalidField, match=next(iter(field))):
        validated(CreateVideo, {"prompt": "a fox", **field})
