"""The shipped charter says the same in six languages, and says what the programme promises."""

import re
from collections.abc import Iterator

import pytest

from unstrung.charter.clauses import LANGUAGES, PLACEHOLDERS, Charter, Clause, sentences
from unstrung.charter.texts import load, load_all, versions

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]
CHARTERS = load_all("1.0")
ENGLISH = CHARTERS["en"]

# What programme.md promises, the clause that says it, and words of that clause in English.
PROMISES = [
    ("no duty to use the tool or to give feedback", "taking-part", "never have to use"),
    ("no activity floor", "taking-part", "No minimum activity"),
    ("an idle seat is handed back only with consent", "taking-part", "only if you agree"),
    ("leaving is one step and keeps one's works", "taking-part", "leave in one step"),
    ("play is free of duties", "work-and-pay", "Play is free of duties"),
    ("tasks are priced before they start", "work-and-pay", "Before it begins.*a price"),
    ("tasks have a time estimate", "work-and-pay", "time estimate"),
    ("a floor under the rate", "work-and-pay", "never below our published lowest rate"),
    ("partial pay when we break a task", "work-and-pay", "pay for the part already done"),
    ("a ledger", "work-and-pay", "ledger"),
    ("four consents", "consents", "bug work, publicity, training models and metrics"),
    ("each off by default", "consents", "off until you switch"),
    ("per use and withdrawable", "consents", "one named use.*withdraw it at any time"),
    ("works are their author's", "your-works", "belongs to you"),
    ("nothing is deleted or hidden", "your-works", "No pause, refusal or departure deletes"),
    ("private by default", "sharing", "private until you share"),
    ("sharing is the default", "sharing", "without asking us"),
    ("approval only for listed risk classes", "sharing", "only if .* listed risk class"),
    ("on a clock", "sharing", r"\{review_hours\} hours"),
    ("expiry releases", "sharing", "runs out .* the clip is released"),
    ("statement of reasons", "refusals", "by a person or by a program.*statement of reasons"),
    ("what it says", "refusals", "clause, the facts, whether a machine.*change.*appeal"),
    ("credits refunded", "refusals", "Credits .* come back"),
    ("revise and resubmit with a time range", "refusals", "submit it again.*seconds"),
    ("appeal heard by somebody else", "refusals", "took no part in the decision"),
    ("then a testers' panel", "refusals", "panel of testers"),
    ("reviewers do not see letters", "refusals", "do not see your letters"),
    ("criticism is never a ground", "criticism", "never a ground"),
    ("letters that we cannot remove", "criticism", "cannot edit or remove"),
    ("verified yet pseudonymous", "criticism", "verified, and a pseudonym"),
    ("a reply clock", "criticism", "within a published time"),
    ("protected for 30 days, two stewards", "criticism", "30 days.*two stewards"),
    ("confidentiality per item, expiring", "confidentiality", "one by one.*end date"),
    (
        "carve-outs: critique, labour, law, safety",
        "confidentiality",
        "criticism, pay and working conditions, your legal rights, reports to authorities, "
        "safety or your own works",
    ),
    ("a mark binds whoever accepts it", "confidentiality", "one by one, and you accept"),
    ("the ladder", "pauses", "a key, then a person, then a cohort, and everybody"),
    ("reason, start, end, who is unaffected", "pauses", "reason, a beginning and an end.*go on"),
    ("two stewards, 72 hours", "pauses", "two stewards.*lapses after 72 hours"),
    ("own works stay downloadable", "pauses", "download your works"),
    ("lost time is made up for", "pauses", "make up for the time you lost"),
    (
        "tracing measures are disclosed",
        "keys-and-tracing",
        "watermarks.*links that expire.*canaries",
    ),
    ("a hit is a lead", "keys-and-tracing", "lead, never proof"),
    ("a second signal and an appeal", "keys-and-tracing", "generation log and a second signal"),
    ("hard-illegal classes", "never-shared", "never shared: sexual depictions of children"),
    ("safe harbour of red teamers", "never-shared", "safe from sanctions"),
    ("export everything", "data", "export everything"),
    ("erasure keeps the log verifiable", "data", "erased.*still be verified"),
    ("transparency log", "log-and-receipts", "public log that only grows"),
    ("receipts", "log-and-receipts", "receipt"),
    ("differences shown on change", "changes", "every difference in plain words"),
    ("asked again, may leave instead", "changes", "ask you again.*leave instead"),
    ("a week to read a new version", "changes", "At least 7 days before"),
    ("nothing new before accepting", "changes", "you begin no clips before accepting"),
    (
        "translations labelled, the original prevails",
        "law-and-contact",
        "labelled.*original prevails",
    ),
]

# Words that turn a sentence round. "Only" is no such word: it is said without a negation in all six.
NEGATIONS = {
    "en": r"not|no|never|cannot|nothing|nobody|none|without|nor|neither",
    "it": r"non|mai|nessun\w*|niente|nulla|senza|né|alcun\w*",
    "fr": r"ne|n'\w+|non|jamais|aucun\w*|rien|sans|ni",
    "es": r"no|nunca|jamás|nadie|nada|ningun\w*|ningún|sin|ni|tampoco",
    "ar": r"[وف]?(?:لا|لن|لم|ليس|ليست|لست|بلا|دون|بدون|غير|عدم|أبدًا)",
    "id": r"tidak|tanpa|bukan|jangan|belum|tak|tiada",
}


def said(charter: Charter) -> Iterator[tuple[str, str]]:
    """Every sentence with the place that it has in all languages."""
    parts = {"opening": [*charter.introduction, charter.notice, charter.title]}
    for clause in charter.clauses:
        parts[f"{clause.id}.title"] = [clause.title]
        for part in ("text", "we", "you"):
            parts[f"{clause.id}.{part}"] = list(getattr(clause, part))
    for place, paragraphs in parts.items():
        for row, paragraph in enumerate(paragraphs, 1):
            for number, sentence in enumerate(sentences(paragraph), 1):
                yield f"{place}:{row}:{number}", sentence


def is_negative(sentence: str, language: str) -> bool:
    return bool(re.search(rf"(?<!\w)(?:{NEGATIONS[language]})(?!\w)", sentence.lower()))


def words_of(clause: Clause) -> str:
    return " ".join([*clause.text, *clause.we, *clause.you])


def test_the_charter_is_there_in_six_languages() -> None:
    assert tuple(CHARTERS) == LANGUAGES
    assert "1.0" in versions()


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_clauses_have_the_same_ids_in_the_same_order(language: str) -> None:
    ids = [clause.id for clause in ENGLISH.clauses]
    assert [clause.id for clause in CHARTERS[language].clauses] == ids


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_every_sentence_has_its_translation(language: str) -> None:
    ours = [place for place, _ in said(ENGLISH)]
    assert [place for place, _ in said(CHARTERS[language])] == ours


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_not_was_lost_or_added_in_translation(language: str) -> None:
    pairs = zip(said(ENGLISH), said(CHARTERS[language]), strict=True)
    turned = [
        (place, ours, theirs)
        for (place, ours), (_, theirs) in pairs
        if is_negative(ours, "en") != is_negative(theirs, language)
    ]
    assert turned == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_placeholders_are_used_and_no_others(language: str) -> None:
    assert set(CHARTERS[language].placeholders) == set(PLACEHOLDERS)
    assert sorted(CHARTERS[language].placeholders) == sorted(ENGLISH.placeholders)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_the_same_in_every_language(language: str) -> None:
    pairs = zip(said(ENGLISH), said(CHARTERS[language]), strict=True)
    assert [
        (place, ours, theirs)
        for (place, ours), (_, theirs) in pairs
        if re.findall(r"\d+", ours) != re.findall(r"\d+", theirs)
    ] == []


@pytest.mark.parametrize(
    ("language", "machine", "english"),
    [
        ("it", "macchina", "inglese"),
        ("fr", "machine", "anglais"),
        ("es", "máquina", "inglés"),
        ("ar", "آلي", "الإنجليزي"),
        ("id", "mesin", "Inggris"),
    ],
)
def test_a_translation_says_first_that_a_machine_made_it(
    language: str, machine: str, english: str
) -> None:
    charter = CHARTERS[language]
    assert charter.is_translation
    assert machine in charter.notice
    assert english in charter.notice
    assert charter.source.startswith(f"> {charter.notice}\n")


def test_the_original_says_that_it_prevails() -> None:
    assert not ENGLISH.is_translation
    assert "original" in ENGLISH.notice
    assert "prevails" in ENGLISH.notice


def test_an_artist_reads_it_in_six_minutes() -> None:
    """All that is seen: headings, labels of the sides and numbers too."""
    seen = re.sub(r"\{[#.][a-z-]+\}|^(#+|-|>) ", "", ENGLISH.source, flags=re.MULTILINE)
    assert len(seen.split()) / 220 <= 6


@pytest.mark.parametrize(("promise", "id", "words"), PROMISES, ids=[row[0] for row in PROMISES])
def test_every_promise_of_the_programme_has_a_clause(promise: str, id: str, words: str) -> None:
    clause = ENGLISH.clause(id)
    assert re.search(words, words_of(clause)), promise
    for charter in CHARTERS.values():
        assert charter.clause(id).number == clause.number


def test_every_clause_keeps_a_promise_of_the_programme() -> None:
    assert {clause.id for clause in ENGLISH.clauses} == {id for _, id, _ in PROMISES}


def test_the_operator_promises_in_every_clause() -> None:
    assert [clause.id for clause in ENGLISH.clauses if not clause.we] == []


def test_a_charter_is_read_alike_twice() -> None:
    assert load("1.0", "ar") == CHARTERS["ar"]
    assert len({charter.sha256 for charter in CHARTERS.values()}) == len(LANGUAGES)
