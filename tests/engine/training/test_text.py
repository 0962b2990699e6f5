"""Captions to learn from, their tokenizer, and the reader that keeps the slots honest."""

import itertools
import random

import pytest
import torch
from tokenizers import Tokenizer, decoders

from engine.factories import (
    CONTEXT_SIZE,
    VOCABULARY_SIZE,
    gaussian,
    prop_script,
    prop_scripts,
    tiny_text_encoder,
    wake,
)
from unstrung.engine.models.text_encoder import SLOTS
from unstrung.engine.theatre.captions import LANGUAGES, write_caption
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.script import Action, Actor, Relation, Setting, Shot, Size
from unstrung.engine.training import text


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    captions = [words for words, _ in itertools.islice(text.captioned_shots(seed=1), 300)]
    return text.train_tokenizer(captions, VOCABULARY_SIZE)


def test_a_tokenizer_gives_its_captions_back_in_lower_case(tokenizer: Tokenizer) -> None:
    for words, _ in itertools.islice(text.captioned_shots(seed=2), 50):
        back = decoders.ByteLevel().decode(tokenizer.encode(words).tokens)
        assert back.strip() == tokenizer.normalizer.normalize_str(words).strip()


def test_any_text_can_be_written_in_tokens(tokenizer: Tokenizer) -> None:
    strange = "ząb 狐 🦊 \u202eabc"
    written = tokenizer.encode(strange)
    assert max(written.ids) < tokenizer.get_vocab_size() <= VOCABULARY_SIZE
    assert decoders.ByteLevel().decode(written.tokens).strip() == strange


def test_common_words_are_few_tokens(tokenizer: Tokenizer) -> None:
    caption = "a circle in the snow"
    assert len(tokenizer.encode(caption).ids) < 0.7 * len(caption)


def test_the_same_captions_make_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    captions = [words for words, _ in itertools.islice(text.captioned_shots(seed=1), 300)]
    assert text.train_tokenizer(captions, VOCABULARY_SIZE).to_str() == tokenizer.to_str()


def test_captioned_shots_repeat_by_seed_and_answer_within_range() -> None:
    first = list(itertools.islice(text.captioned_shots(seed=5), 60))
    assert first == list(itertools.islice(text.captioned_shots(seed=5), 60))
    assert first != list(itertools.islice(text.captioned_shots(seed=6), 60))
    for _, answers in first:
        assert len(answers) == len(text.HEADS)
        for answer, field in zip(answers, text.HEADS, strict=True):
            assert 0 <= answer < field.num_answers, field.name


def test_answers_name_what_the_shot_holds() -> None:
    pair = (Actor("circle"), Actor("box"))
    shot = Shot(pair, Setting.SEA, Action.STAY, Relation.ABOVE)
    by_field = dict(zip((field.name for field in text.HEADS), text.answers(shot), strict=True))
    assert text.ACTORS[by_field["actor"]] == "circle"
    assert text.ACTORS[by_field["second_actor"]] == "box"
    assert list(Setting)[by_field["setting"]] is Setting.SEA
    alone = Shot((Actor("circle", 3, Size.LARGE),), Setting.SEA)
    by_field = dict(zip((field.name for field in text.HEADS), text.answers(alone), strict=True))
    assert by_field["second_actor"] == len(text.ACTORS) == len(load_cast())
    assert by_field["relation"] == 0
    assert by_field["count"] == 2
    assert list(Size)[by_field["size"]] is Size.LARGE


def test_every_shot_gets_a_caption_in_all_languages_sooner_or_later() -> None:
    rng = random.Random(0)
    script = prop_script(num_shots=2)
    drawn = [text.caption(script, rng) for _ in range(300)]
    assert {len(captions) for captions in drawn} == {2}
    names = {language: load_cast()["circle"].names[language] for language in LANGUAGES}
    for language in ("en", "it", "ar", "id"):  # the other two share words with these
        assert any(names[language] in captions[0].lower() for captions in drawn), language


def test_a_share_of_one_is_english_only() -> None:
    script = prop_script()
    for seed in range(20):
        rng = random.Random(seed)
        rng.random()  # the draw that decides on the language
        english = write_caption(script, "en", text.CAPTION_NAMES, rng)
        assert text.caption(script, random.Random(seed), english_share=1.0) == english


def test_every_field_is_read_from_its_own_slot() -> None:
    reader = text.ScriptReader(CONTEXT_SIZE)
    states = gaussian(2, len(SLOTS), CONTEXT_SIZE)
    with torch.no_grad():
        base = reader(states)
        for index, slot in enumerate(SLOTS):
            changed = states.clone()
            changed[:, index] += 1.0
            for field, before, after in zip(text.HEADS, base, reader(changed), strict=True):
                assert torch.equal(before, after) == (field.slot != slot), (slot, field.name)


def test_portraits_are_judged_only_where_they_are_known() -> None:
    shots = [script.shots[0] for script in prop_scripts(6)]
    wanted = torch.tensor([text.answers(shot) for shot in shots])
    states = gaussian(6, len(SLOTS), CONTEXT_SIZE)
    portraits = gaussian(len(text.ACTORS), text.PORTRAIT_SIZE)
    for known, is_judged in ((None, False), (portraits, True)):
        reader = text.ScriptReader(CONTEXT_SIZE, known)
        before = reader.loss(states, wanted)
        wake(reader.portrait_heads)
        assert torch.equal(reader.loss(states, wanted), before) != is_judged


def test_portraits_count_only_for_actors_who_are_there() -> None:
    wanted = torch.tensor([text.answers(Shot((Actor("circle"),), Setting.SEA))])
    portraits = torch.zeros(len(text.ACTORS), text.PORTRAIT_SIZE)
    portraits[text.ACTORS.index("box")] = 1.0
    reader = text.ScriptReader(CONTEXT_SIZE, portraits)
    states = gaussian(1, len(SLOTS), CONTEXT_SIZE)
    before = reader.loss(states, wanted)
    wake(reader.portrait_heads[1])  # that of the second actor, who is not there
    assert torch.equal(reader.loss(states, wanted), before)
    wake(reader.portrait_heads[0])
    assert not torch.equal(reader.loss(states, wanted), before)


def test_the_encoder_and_its_reader_learn_a_few_captions_by_heart() -> None:
    encoder = tiny_text_encoder(awake=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reader = text.ScriptReader(CONTEXT_SIZE)
    rng, scripts = random.Random(0), prop_scripts(6)
    ids, mask = encoder.tokenize([text.caption(script, rng)[0] for script in scripts])
    wanted = torch.tensor([text.answers(script.shots[0]) for script in scripts])
    parameters = [*encoder.parameters(), *reader.parameters()]
    optimizer = torch.optim.AdamW(parameters, 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(reader.loss(encoder(ids, mask)[0], wanted))
        optimizer.step()
    with torch.no_grad():
        scores = reader(encoder(ids, mask)[0])
    for index, (field, score) in enumerate(zip(text.HEADS, scores, strict=True)):
        assert torch.equal(score.argmax(dim=1), wanted[:, index]), field.name
