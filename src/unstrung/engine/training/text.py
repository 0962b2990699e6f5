"""Teaching the text encoder to read scripts, before and beside the transformer.

Captions of drawn scripts go in, in all six languages; small heads on the slots must name every field of the
script. No picture is needed, so millions of captions pass in minutes, and words of all languages for one
thing end in one place.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional

from unstrung.engine.checkpoints import fill, load_tensors, save_tensors
from unstrung.engine.errors import CheckpointError
from unstrung.engine.models.text_encoder import SLOTS
from unstrung.engine.theatre.captions import LANGUAGES, write_caption
from unstrung.engine.theatre.cast import load_cast, members_of
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import FIELDS, Script, Shot
from unstrung.engine.theatre.sprites import portrait


@dataclass(frozen=True)
class Head:
    """One thing that a slot must name: how many answers there are, and where the answer stands."""

    name: str
    slot: str
    num_answers: int


ACTORS = tuple(load_cast())
_ACTOR_INDEX = {name: index for index, name in enumerate(ACTORS)}


def _head(name: str, slot: str) -> Head:
    return Head(name, slot, len(FIELDS[name].options))


HEADS = (
    Head("actor", "actor", len(ACTORS)),
    _head("count", "actor"),
    _head("size", "actor"),
    Head("second_actor", "second_actor", len(ACTORS) + 1),
    _head("setting", "setting"),
    _head("action", "motion"),
    _head("relation", "motion"),
    _head("camera", "motion"),
    _head("time_of_day", "look"),
    _head("weather", "look"),
    _head("style", "look"),
)


def answers(shot: Shot) -> list[int]:
    """The right answer to every one of `HEADS`; nobody is the last answer for the second actor."""
    second = shot.actors[1].name if len(shot.actors) > 1 else None
    who = {
        "actor": _ACTOR_INDEX[shot.actors[0].name],
        "second_actor": _ACTOR_INDEX[second] if second else len(ACTORS),
    }
    return [
        who[head.name] if head.name in who else FIELDS[head.name].answer(shot) for head in HEADS
    ]


class ScriptReader(nn.Module):
    """Linear heads from slots to fields and portraits; thrown away after training.

    The portrait heads make the actor slots tell what somebody looks like, not only who it is: the
    transformer then learns to paint looks, which all characters share, instead of one lookup a name.
    """

    portraits: Tensor

    def __init__(self, hidden_size: int, portraits: Tensor | None = None) -> None:
        """One head per field, and one per actor slot.

        Args:
            hidden_size: D of the slot states.
            portraits: (actors, `PORTRAIT_SIZE`) from `portrait_codes`; None leaves them out of the loss.
        """
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(hidden_size, head.num_answers) for head in HEADS)
        self.portrait_heads = nn.ModuleList(nn.Linear(hidden_size, PORTRAIT_SIZE) for _ in range(2))
        known = torch.zeros(len(ACTORS), PORTRAIT_SIZE) if portraits is None else portraits
        self.register_buffer("portraits", known)

    def forward(self, states: Tensor) -> list[Tensor]:
        """Scores (B, answers) for every head from slot states (B, S, D)."""
        return [
            layer(states[:, SLOTS.index(head.slot)])
            for layer, head in zip(self.heads, HEADS, strict=True)
        ]

    def heads_of_actors(self) -> tuple[nn.Linear, nn.Linear]:
        """The heads that name the first and the second actor."""
        by_name = {head.name: layer for head, layer in zip(HEADS, self.heads, strict=True)}
        first, second = by_name["actor"], by_name["second_actor"]
        assert isinstance(first, nn.Linear)
        assert isinstance(second, nn.Linear)
        return first, second

    def loss(self, states: Tensor, wanted: Tensor) -> Tensor:
        """Mean cross-entropy over the fields plus squared error of portraits; wanted is (B, fields)."""
        scores = self(states)
        losses = [functional.cross_entropy(s, wanted[:, i]) for i, s in enumerate(scores)]
        return torch.stack(losses).mean() + self._portrait_loss(states, wanted)

    def _portrait_loss(self, states: Tensor, wanted: Tensor) -> Tensor:
        total = torch.zeros(())
        if not self.portraits.any():
            return total
        for slot, field in enumerate(("actor", "second_actor")):
            who = wanted[:, [head.name for head in HEADS].index(field)]
            there = who < len(ACTORS)
            if there.any():
                guess = self.portrait_heads[slot](states[there, SLOTS.index(field)])
                total = total + functional.mse_loss(guess, self.portraits[who[there]])
        return total


PORTRAIT_SIZE = 128


def save_reader(path: Path, reader: ScriptReader) -> None:
    """Write a reader; only training needs it again."""
    save_tensors(path, reader.state_dict(), {"actors": ACTORS})


def load_reader(path: Path, hidden_size: int) -> ScriptReader:
    """Read a reader.

    Raises:
        CheckpointError: if the file is missing, damaged or knows another cast.
    """
    tensors, metadata = load_tensors(path)
    if tuple(metadata.get("actors", ())) != ACTORS:
        raise CheckpointError(
            f"The reader {path} knows another cast; train the text encoder again."
        )
    reader = ScriptReader(hidden_size)
    fill(reader, tensors, path)
    return reader


def portrait_codes(art: Path | None) -> Tensor:
    """What everybody looks like, in `PORTRAIT_SIZE` numbers: (actors, size), principal components.

    Taken from the first frame of each member's art at 32 x 32; a component is divided by the root of its
    deviation, as in the autoencoder, and the whole has unit power.
    """
    pictures = torch.stack(
        [torch.from_numpy(portrait(member, art)) for member in load_cast().values()]
    )
    flat = pictures.flatten(1).float() / 255.0
    centred = flat - flat.mean(dim=0)
    _, deviations, components = torch.linalg.svd(centred, full_matrices=False)
    # Weak directions are noise, and without art most members have no picture at all.
    kept = deviations > 1e-3 * deviations[0]
    count = min(PORTRAIT_SIZE, int(kept.sum()))
    codes = centred @ components[:count].T / deviations[:count].sqrt()
    shown = flat.any(dim=1)
    codes = torch.where(shown[:, None], codes / codes[shown].std(), 0.0)
    return functional.pad(codes, (0, PORTRAIT_SIZE - count))


CAPTION_NAMES = {name: member.names for name, member in load_cast().items()}


def caption(script: Script, rng: random.Random, english_share: float = 0.4) -> tuple[str, ...]:
    """A caption per shot, in English with the given share and else in any of the other languages."""
    language = "en" if rng.random() < english_share else rng.choice(LANGUAGES[1:])
    return write_caption(script, language, CAPTION_NAMES, rng)


def captioned_shots(seed: int, wide_share: float = 0.5) -> Iterator[tuple[str, list[int]]]:
    """Endless pairs of caption and answers, over the whole cast and everything that can happen."""
    numpy_rng, rng = np.random.default_rng(seed), random.Random(seed)
    lead = Repertoire(members_of("lead"), two_shots=0.0, pair=0.3, group=0.2, camera=0.5, night=0.4)
    lead = replace(lead, weather=0.35, style=0.3, sized=0.3)
    wide = replace(lead, cast=tuple(load_cast()))
    while True:
        repertoire = wide if numpy_rng.random() < wide_share else lead
        script = draw_script(repertoire, numpy_rng)
        yield caption(script, rng)[0], answers(script.shots[0])


def train_tokenizer(captions: Sequence[str], vocabulary_size: int) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016, 1508.07909) over lower-cased captions."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=["<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    return tokenizer
