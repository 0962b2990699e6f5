"""Captions in, slot states out."""

import pytest
import torch

from engine.factories import CONTEXT_SIZE, VOCABULARY_SIZE, tiny_text_encoder
from unstrung.engine.models.text_encoder import SLOTS, TextEncoder

FOX, LONG = "a fox", "a small red fox crosses a snowy field from left to right at night"
ONE_SPAN = torch.zeros(2, 3, dtype=torch.long)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return tiny_text_encoder().eval()


def states(encoder: TextEncoder, *captions: str) -> torch.Tensor:
    with torch.no_grad():
        return encoder(*encoder.tokenize(captions))[0]


def test_shorter_captions_are_padded_and_masked(encoder: TextEncoder) -> None:
    ids, mask = encoder.tokenize([FOX, LONG])
    assert ids.shape == mask.shape
    assert mask[1].all()
    assert not mask[0].all()
    assert (ids[0][~mask[0]] == 0).all()
    assert ids.max() < VOCABULARY_SIZE


def test_captions_are_cut_at_the_longest_allowed(encoder: TextEncoder) -> None:
    ids, _ = encoder.tokenize(["fox " * 500])
    assert ids.shape == (1, encoder.config.max_tokens)


def test_an_empty_caption_is_legal(encoder: TextEncoder) -> None:
    ids, mask = encoder.tokenize([""])
    assert ids.shape == (1, 1)
    assert not mask.any()
    assert states(encoder, "").isfinite().all()


def test_padding_changes_nothing(encoder: TextEncoder) -> None:
    alone, beside = states(encoder, FOX)[0], states(encoder, FOX, LONG)[0]
    torch.testing.assert_close(alone, beside, atol=1e-5, rtol=1e-5)


def test_the_order_of_words_matters(encoder: TextEncoder) -> None:
    read = states(encoder, "a fox left of a bear", "a bear left of a fox")
    assert (read[0] - read[1]).abs().max() > 0.01


def test_capitals_do_not_matter(encoder: TextEncoder) -> None:
    read = states(encoder, "A Fox", "a fox")
    assert torch.equal(read[0], read[1])


def test_every_span_has_its_slots_and_missing_spans_are_masked(encoder: TextEncoder) -> None:
    frame_spans = torch.tensor([[0, 0, 0], [0, 1, 1]])
    with torch.no_grad():
        condition = encoder.condition([[FOX], [FOX, LONG]], frame_spans)
    slots = len(SLOTS)
    assert condition.context.shape == (2, 2 * slots, CONTEXT_SIZE)
    assert condition.pooled.shape == (2, 2, CONTEXT_SIZE)
    assert condition.context_spans.tolist() == [[0] * slots + [1] * slots] * 2
    assert condition.mask.tolist() == [[True] * slots + [False] * slots, [True] * 2 * slots]
    assert torch.equal(condition.frame_spans, frame_spans)
    torch.testing.assert_close(condition.context[1, slots:], states(encoder, LONG)[0])


def test_a_caption_reads_the_same_in_every_place(encoder: TextEncoder) -> None:
    with torch.no_grad():
        condition = encoder.condition([[FOX, LONG], [LONG, FOX]], ONE_SPAN)
    slots = len(SLOTS)
    torch.testing.assert_close(condition.context[0, :slots], condition.context[1, slots:])
    torch.testing.assert_close(condition.pooled[0, 1], condition.pooled[1, 0])


def test_a_withheld_caption_leaves_no_trace(encoder: TextEncoder) -> None:
    dropped = torch.tensor([True, False])
    with torch.no_grad():
        told = encoder.condition([[FOX], [LONG]], ONE_SPAN)
        one = encoder.condition([[FOX], [LONG]], ONE_SPAN, dropped)
        other = encoder.condition([[LONG], [LONG]], ONE_SPAN, dropped)
    assert torch.equal(one.context[0], encoder.null_context)
    assert torch.equal(one.pooled[0, 0], encoder.null_pooled)
    torch.testing.assert_close(one.context[0], other.context[0])
    torch.testing.assert_close(one.context[1], told.context[1])
    torch.testing.assert_close(one.pooled[1], told.pooled[1])


def test_the_same_captions_serve_another_division_of_frames(encoder: TextEncoder) -> None:
    with torch.no_grad():
        condition = encoder.condition([[FOX, LONG]], torch.tensor([[0, 0, 1]]))
    other = condition.with_frame_spans(torch.tensor([[0, 1, 1]]))
    assert other.frame_spans.tolist() == [[0, 1, 1]]
    assert other.context is condition.context
