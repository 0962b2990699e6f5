"""The book of portraits: who is in it, who is picked, and that it reaches the picture."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from engine.factories import (
    CONTEXT_SIZE,
    LATENT_CHANNELS,
    conditioned,
    gaussian,
    prop_script,
    tiny_autoencoder,
    tiny_text_encoder,
    wake,
)
from unstrung.engine.models.text_encoder import PORTRAIT_CELLS, TextEncoder
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.script import Actor, Relation, Script, Setting, Shot
from unstrung.engine.training.portraits import (
    NOBODY,
    cast_numbers,
    portrait_book,
    teach_casting,
    with_portraits,
)
from unstrung.engine.training.text import ScriptReader

NAMES = list(load_cast())


def made_up_book() -> Tensor:
    return gaussian(NOBODY + 1, LATENT_CHANNELS, PORTRAIT_CELLS, PORTRAIT_CELLS)


def encoder() -> TextEncoder:
    return with_portraits(tiny_text_encoder(), made_up_book())


def painter() -> Transformer:
    config = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 2, 2, context_size=CONTEXT_SIZE, fine_depth=1, num_portraits=2
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(config)
    wake(model)
    return model


def test_everybody_with_a_body_has_a_portrait_of_their_own() -> None:
    book = portrait_book(tiny_autoencoder(), None)
    assert book.shape == (NOBODY + 1, LATENT_CHANNELS, PORTRAIT_CELLS, PORTRAIT_CELLS)
    box, ring = book[NAMES.index("box")], book[NAMES.index("ring")]
    assert (box - ring).abs().max() > 0.1
    assert (book[NOBODY] - book[NOBODY][:, :1, :1]).abs().max() < 1e-4, "nobody is plain ground"
    assert (box - book[NOBODY]).abs().max() > 0.1


def test_a_book_leaves_the_other_weights_alone() -> None:
    plain = tiny_text_encoder()
    extended = with_portraits(plain, made_up_book())
    state = extended.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())
    assert torch.equal(extended.portraits, made_up_book())
    assert with_portraits(extended, torch.zeros_like(made_up_book())) is extended


def test_shots_are_cast_by_their_actors() -> None:
    pair = Shot((Actor("box"), Actor("ring")), Setting.SEA, relation=Relation.ABOVE)
    script = Script((pair, Shot((Actor("cross"),), Setting.PARK)))
    numbers = cast_numbers([script, prop_script("circle")], num_spans=2)
    box, ring, cross, circle = (NAMES.index(n) for n in ("box", "ring", "cross", "circle"))
    assert numbers.tolist() == [[[box, ring], [cross, NOBODY]], [[circle, NOBODY], [NOBODY] * 2]]


def test_a_taught_encoder_picks_as_the_reader_reads() -> None:
    reader, taught = ScriptReader(CONTEXT_SIZE), encoder()
    wake(reader, size=1.0)
    teach_casting(taught, *reader.heads_of_actors())
    captions = ["a box on the sea", "two rings in the park", "a cross chases a circle"]
    with torch.no_grad():
        states, _ = taught(*taught.tokenize(captions))
        scores = reader(states)
        condition = taught.condition([[each] for each in captions], torch.zeros(3, 1).long())
    picked = torch.stack([scores[0].argmax(dim=1), scores[3].argmax(dim=1)], dim=1)
    assert torch.equal(condition.portraits[:, 0], taught.portraits[picked])


def test_withheld_captions_show_nobody() -> None:
    told, who = encoder(), torch.tensor([[[3, 4]], [[3, 4]]])
    dropped = torch.tensor([True, False])
    with torch.no_grad():
        condition = told.condition([["a box"]] * 2, torch.zeros(2, 1).long(), dropped, who=who)
    assert torch.equal(condition.portraits[0, 0], told.portraits[[NOBODY, NOBODY]])
    assert torch.equal(condition.portraits[1, 0], told.portraits[[3, 4]])


def test_portraits_reach_the_picture_in_frames_of_their_own_span() -> None:
    model = painter()
    model.blocks = (
        nn.ModuleList()
    )  # coarse tokens hand what they saw to frames of other spans, as they should
    told = replace(
        conditioned([[0, 1]], num_spans=2),
        portraits=gaussian(1, 2, 2, LATENT_CHANNELS, PORTRAIT_CELLS, PORTRAIT_CELLS),
    )
    other = told.portraits.clone()
    other[0, 1, 1] += 1.0
    x, times = gaussian(1, LATENT_CHANNELS, 2, 4, 4), torch.full((1, 2), 0.5)
    with torch.no_grad():
        moved = model(x, times, replace(told, portraits=other)) - model(x, times, told)
    assert torch.equal(moved[:, :, 0], torch.zeros_like(moved[:, :, 0]))
    assert moved[:, :, 1].abs().max() > 1e-4


def test_portraits_reach_the_coarse_tokens() -> None:
    model = painter()
    assert model.fine is not None
    told = replace(
        conditioned([[0, 0]]),
        portraits=gaussian(1, 1, 2, LATENT_CHANNELS, PORTRAIT_CELLS, PORTRAIT_CELLS),
    )
    x, times = gaussian(1, LATENT_CHANNELS, 2, 4, 4), torch.full((1, 2), 0.5)
    with torch.no_grad():
        model.fine.portrait_tokens.embedding.weight.zero_()
        moved = model(x, times, replace(told, portraits=told.portraits + 1.0)) - model(
            x, times, told
        )
    assert moved.abs().max() > 1e-4
