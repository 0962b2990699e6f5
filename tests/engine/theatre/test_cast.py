"""The cast is large enough, licensed member by member, and named in every language."""

import json
from importlib import resources

import pytest

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.cast import load_cast, member, members_of

LANGUAGES = {"en", "it", "fr", "es", "ar", "id"}


def raw_members():
    folder = resources.files("unstrung.engine.theatre")
    return json.loads(folder.joinpath("cast.json").read_text("utf-8"))


def test_at_least_300_members_have_art_and_120_of_them_lead():
    art = [member for member in load_cast().values() if member.code]
    assert len(art) >= 300
    assert len(members_of("lead")) >= 120
    assert len(members_of("lead")) + len(members_of("wide")) == len(art)


def test_every_member_names_its_package_and_its_art():
    for raw in raw_members():
        assert raw["package"].startswith("@lobehub/fluent-emoji-anim-"), raw["name"]
        assert all(int(point, 16) for point in raw["code"].split("-")), raw["name"]


def test_names_and_art_are_never_shared():
    raw = raw_members()
    assert len({entry["name"] for entry in raw}) == len(raw)
    assert len({entry["code"] for entry in raw}) == len(raw)
    assert not {entry["name"] for entry in raw} & set(members_of("prop"))


def test_everybody_has_a_name_in_six_languages():
    for name, cast_member in load_cast().items():
        assert set(cast_member.names) == LANGUAGES, name
        assert all(text.strip() for text in cast_member.names.values()), name


def test_script_names_are_lower_case_words():
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in load_cast())


def test_tiers_kinds_and_facings_are_known():
    for cast_member in load_cast().values():
        assert cast_member.tier in ("lead", "wide", "prop")
        assert cast_member.kind in ("animal", "vehicle", "person", "face", "thing")
        assert cast_member.facing in ("left", "right", "front")


def test_drawn_props_need_no_art():
    assert len(members_of("prop")) >= 4
    assert all(not member(name).code for name in members_of("prop"))


def test_aeroplanes_look_where_their_nose_points():
    assert member("small_airplane").facing == member("rocket").facing == "right"
    assert member("horse").facing == "left"


def test_a_stranger_is_refused_by_name():
    with pytest.raises(InvalidRequest, match=r"actor must be a cast member, got jabberwocky"):
        member("jabberwocky")
