"""What changes between two versions is told once, for the right side, in six languages."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstrung.charter.changes import Change, CharterChanges, Part, compare
from unstrung.charter.clauses import LANGUAGES, Charter, Clause, Side, parse, sentences
from unstrung.charter.errors import InvalidField
from unstrung.charter.rendering import to_markdown
from unstrung.charter.texts import load

IDS = ("sharing", "pauses", "data", "log", "law")
WORDS = ("pause", "clip", "never", "release", "key", "two", "stewards", "wait", "log", "you")

sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(
    lambda words: " ".join(words).capitalize() + "."
)
duty = st.lists(sentence, min_size=1, max_size=3).map(" ".join)
duties = st.lists(duty, max_size=4).map(tuple)


@st.composite
def charters(draw: st.DrawFn) -> Charter:
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True))
    clauses = tuple(
        Clause(id, number, draw(sentence), draw(duties), draw(duties), draw(duties))
        for number, id in enumerate(ids, 1)
    )
    introduction = draw(duties)
    source = repr((introduction, clauses))
    return Charter("1.0", "en", source, "The original.", "Title", introduction, clauses)


def told_in(charter: Charter) -> Counter[tuple[str, Part, str]]:
    """Every sentence with its clause and part, as often as it stands there."""
    held = [("", Part.TEXT, each) for each in (charter.notice, *charter.introduction)]
    held.append(("", Part.TITLE, charter.title))
    for clause in charter.clauses:
        held.append((clause.id, Part.TITLE, clause.title))
        for part in (Part.TEXT, Part.WE, Part.YOU):
            held += [(clause.id, part, each) for each in getattr(clause, part.value)]
    cut = ([(id, part, each) for each in sentences(text)] for id, part, text in held)
    return Counter(chain.from_iterable(cut))


def changed(changes: CharterChanges, field: str) -> Counter[tuple[str, Part, str]]:
    rows = [("", each) for each in changes.opening]
    rows += [(clause.id, each) for clause in changes.clauses for each in clause.sentences]
    return Counter(
        (id, each.part, getattr(each, field)) for id, each in rows if getattr(each, field)
    )


def small(clauses: str, *, language: str = "en") -> Charter:
    return parse(f"> Original.\n\n# Charter\n\n{clauses}", version="1.0", language=language)


def clause(number: int, id: str, we: str, you: str = "You ask first.") -> str:
    return f"## {number}. {id.title()} {{#{id}}}\n### We {{.we}}\n- {we}\n### You {{.you}}\n- {you}\n\n"


@given(charters())
def test_a_version_does_not_differ_from_itself(charter: Charter) -> None:
    changes = compare(charter, charter)
    assert changes.is_empty
    assert not changes.is_layout_only
    assert changes.sentences == ()


@given(charters(), charters())
def test_every_changed_sentence_is_told_exactly_once(before: Charter, after: Charter) -> None:
    """What is not told stands in both texts, and as often: nothing is left out or told twice."""
    changes = compare(before, after)
    gone, come = changed(changes, "before"), changed(changes, "after")
    old, new = told_in(before), told_in(after)
    assert gone <= old
    assert come <= new
    assert old - gone == new - come
    only_old, only_new = set(old) - set(new), set(new) - set(old)
    assert all(gone[each] == old[each] for each in only_old)
    assert all(come[each] == new[each] for each in only_new)


@given(charters(), charters())
def test_each_change_is_of_its_kind(before: Charter, after: Charter) -> None:
    for each in compare(before, after).sentences:
        match each.change:
            case Change.ADDED:
                assert each.after
                assert not each.before
            case Change.REMOVED:
                assert each.before
                assert not each.after
            case Change.MOVED:
                assert each.before == each.after
            case Change.REWORDED:
                assert each.before != each.after
                assert each.before
                assert each.after


@given(charters(), charters())
def test_the_way_back_is_as_long(before: Charter, after: Charter) -> None:
    there, back = compare(before, after), compare(after, before)
    kinds = {each.id: each.changes for each in there.clauses}
    swapped = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}
    for each in back.clauses:
        if set(each.changes) & set(swapped):
            assert kinds[each.id] == tuple(swapped[change] for change in each.changes)


@given(charters(), charters())
def test_a_page_tells_every_sentence(before: Charter, after: Charter) -> None:
    changes = compare(before, after)
    page = to_markdown(changes)
    for each in changes.sentences:
        assert each.before in page
        assert each.after in page


def test_a_lost_not_is_shown_before_and_after() -> None:
    before = small(clause(1, "pauses", "A hit is not proof. We tell you."))
    after = small(clause(1, "pauses", "A hit is proof. We tell you."))
    (told,) = compare(before, after).clauses
    assert told.changes == (Change.REWORDED,)
    (each,) = told.sentences
    assert (each.change, each.part) == (Change.REWORDED, Part.WE)
    assert (each.before, each.after) == ("A hit is not proof.", "A hit is proof.")


def test_duties_are_told_by_side() -> None:
    before = small(clause(1, "pauses", "We wait two days."))
    after = small(clause(1, "pauses", "We wait two days.", "You ask first. You may pay."))
    changes = compare(before, after)
    assert changes.duties(Side.WE) == ()
    assert [each.after for each in changes.duties(Side.YOU)] == ["You may pay."]


def test_a_duty_that_passes_to_the_other_side_is_removed_and_added() -> None:
    before = small(clause(1, "log", "We keep it. We check the log.", "You ask first."))
    after = small(clause(1, "log", "We keep it.", "You ask first. We check the log."))
    changes = compare(before, after)
    assert [each.change for each in changes.duties(Side.WE)] == [Change.REMOVED]
    assert [each.change for each in changes.duties(Side.YOU)] == [Change.ADDED]


def test_clauses_counted_anew_did_not_move() -> None:
    before = small(clause(1, "pauses", "We wait.") + clause(2, "data", "We export."))
    after = small(
        clause(1, "law", "We obey.")
        + clause(2, "pauses", "We wait.")
        + clause(3, "data", "We export.")
    )
    (told,) = compare(before, after).clauses
    assert (told.id, told.changes) == ("law", (Change.ADDED,))
    assert (told.number_before, told.number_after) == (None, 1)
    (gone,) = compare(after, before).clauses
    assert (gone.id, gone.changes) == ("law", (Change.REMOVED,))


def test_a_clause_that_changed_its_place_has_moved() -> None:
    rows = ("pauses", "data", "log")
    before = small("".join(clause(n, id, "We wait.") for n, id in enumerate(rows, 1)))
    turned = ("log", "pauses", "data")
    after = small("".join(clause(n, id, "We wait.") for n, id in enumerate(turned, 1)))
    (told,) = compare(before, after).clauses
    assert (told.id, told.changes) == ("log", (Change.MOVED,))
    assert (told.number_before, told.number_after) == (3, 1)
    assert "It was number 3 and is now number 1." in to_markdown(compare(before, after))


def test_broken_lines_are_layout() -> None:
    before = small(clause(1, "pauses", "We wait for two days."))
    after = small(clause(1, "pauses", "We wait\n  for two days."))
    changes = compare(before, after)
    assert changes.is_layout_only
    assert "only lines were broken or joined" in to_markdown(changes)


def test_a_new_front_line_or_introduction_is_told() -> None:
    before = small(clause(1, "pauses", "We wait."))
    after = parse(
        before.source.replace("> Original.", "> A machine translated this text."),
        version="1.1",
        language="en",
    )
    changes = compare(before, after)
    assert changes.clauses == ()
    assert {each.part for each in changes.opening} == {Part.TEXT}
    assert (changes.version_before, changes.version_after) == ("1.0", "1.1")


def test_two_languages_are_not_compared() -> None:
    with pytest.raises(
        InvalidField, match=r"after must be in the language .*\(en\), got it; try en"
    ):
        compare(load("1.0", "en"), load("1.0", "it"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_written_in_the_language_of_the_charter(language: str) -> None:
    charter = load("1.0", language)
    shorter = parse(
        charter.source.partition("## 15.")[0].replace("72", "24"), version="1.1", language=language
    )
    page = to_markdown(compare(charter, shorter))
    lines = page.splitlines()
    assert lines[0].startswith("# ")
    assert "1.0" in lines[0]
    assert "1.1" in lines[0]
    assert "72" in page
    assert "24" in page
    assert page.endswith("\n")
    same = to_markdown(compare(charter, charter)).splitlines()
    assert len(same) == 3
