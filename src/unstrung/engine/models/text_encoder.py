"""Captions become features: a small bidirectional transformer in six languages.

Axes: `B` batch, `T` caption tokens, `D` width, `S` spans.

In front of the words stand a few learned *slots* (actors, setting, motion, look, and three free ones). They
read the words token by token, so "a fox left of a bear" and "a bear left of a fox" differ, and their states
are what the transformer sees: a caption costs it 8 tokens instead of 40, which on stills (16 video tokens)
is the difference between one sample and two and a half (docs/experiments.md). Before the long run five of
the slots are taught to read the script (theatre captions in, script fields out), in all languages at once,
so that "fox", "volpe" and the Arabic word arrive at the transformer as the same thing. Then everything is
trained jointly with the transformer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from unstrung.engine.layout import LAYOUT_SIZE
from unstrung.engine.models.layers import Block, RMSNorm, rotary_angles

SLOTS = ("actor", "second_actor", "setting", "motion", "look", "free_1", "free_2", "free_3")


NUM_PORTRAITS = 2  # of the first two slots
PORTRAIT_CELLS = 4  # latent cells along a portrait's side


@dataclass(frozen=True)
class Condition:
    """Everything that the transformer is told about a batch of clips besides noisy latents and times.

    Attributes:
        context: (B, T, D) caption features, all spans one after the other.
        mask: (B, T) true where a feature stands for something.
        context_spans: (B, T) which span a feature belongs to.
        pooled: (B, S, D) one vector per span.
        frame_spans: (B, F) which span each latent frame reads.
        portraits: (B, S, P, C, h, w) latents of what whoever is named looks like; P may be 0.
        layout: (B, F, `LAYOUT_SIZE`) what stands where in each latent frame; 0 where it is not known.
        sketch: (B, C, F, H, W) latents of the portraits laid out so (`models.sketch`); None if not known.
    """

    context: Tensor
    mask: Tensor
    context_spans: Tensor
    pooled: Tensor
    frame_spans: Tensor
    portraits: Tensor
    layout: Tensor
    sketch: Tensor | None = None

    def to(self, dtype: torch.dtype) -> "Condition":
        """The same condition with features of another number type."""
        return replace(
            self,
            context=self.context.to(dtype),
            pooled=self.pooled.to(dtype),
            portraits=self.portraits.to(dtype),
            sketch=None if self.sketch is None else self.sketch.to(dtype),
        )

    def repeated(self, times: int) -> "Condition":
        """The same for a batch in which each clip comes several times in a row."""
        tensors = {
            field.name: value.repeat_interleave(times, dim=0)
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(self, **tensors)

    def with_frame_spans(self, frame_spans: Tensor) -> "Condition":
        """The same captions for another division of the frames, whose layout is not known."""
        return replace(self, frame_spans=frame_spans, layout=no_layout(frame_spans), sketch=None)


def no_layout(frame_spans: Tensor) -> Tensor:
    """The layout of frames (B, F) of which nothing is known."""
    return torch.zeros(*frame_spans.shape, LAYOUT_SIZE)


@dataclass(frozen=True)
class TextEncoderConfig:
    """Sizes of the text encoder.

    Attributes:
        vocabulary_size, hidden_size, depth, num_heads: the usual.
        max_tokens: captions are cut after so many.
        num_members: how many portraits there are to choose from; 0 for none.
        portrait_channels: latent channels of a portrait.
    """

    vocabulary_size: int
    hidden_size: int = 256
    depth: int = 3
    num_heads: int = 4
    max_tokens: int = 48
    num_members: int = 0
    portrait_channels: int = 0


class TextEncoder(nn.Module):
    """Slot states, a pooled vector and portraits for captions.

    With `num_members` it holds a book of portraits, one more than members (the last shows nobody), and says
    for the first two slots whose portrait the caption asks for. Painting from a portrait is one skill that
    all characters share; after Chen et al. 2022 (Re-Imagen, 2209.14491).
    """

    portraits: Tensor

    def __init__(self, config: TextEncoderConfig, tokenizer: Tokenizer) -> None:
        """Build the network around a tokenizer of `config.vocabulary_size` entries."""
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        size = config.hidden_size
        self.embedding = nn.Embedding(config.vocabulary_size, size)
        self.slots = nn.Parameter(torch.randn(len(SLOTS), size) * 0.5)
        self.blocks = nn.ModuleList(
            Block(size, config.num_heads, 2.6667) for _ in range(config.depth)
        )
        self.norm = RMSNorm(size)
        self.pool = nn.Linear(len(SLOTS) * size, size)
        self.null_context = nn.Parameter(torch.randn(len(SLOTS), size) * 0.5)
        self.null_pooled = nn.Parameter(torch.zeros(size))
        nn.init.normal_(self.embedding.weight, std=0.5)
        book = (config.num_members + 1, config.portrait_channels, PORTRAIT_CELLS, PORTRAIT_CELLS)
        self.register_buffer("portraits", torch.zeros(book), persistent=config.num_members > 0)
        # Taught as heads of the training's reader and carried along; the transformer's loss never moves them.
        self.casting = nn.ModuleList(
            nn.Linear(size, config.num_members + 1) for _ in range(self.num_portraits)
        ).requires_grad_(False)

    @property
    def num_portraits(self) -> int:
        """P, portraits in a condition for each caption."""
        return NUM_PORTRAITS if self.config.num_members else 0

    def tokenize(self, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token numbers and mask, (B, T) each; captions beyond `max_tokens` are cut."""
        rows = [
            e.ids[: self.config.max_tokens] for e in self.tokenizer.encode_batch(list(captions))
        ]
        longest = max(1, *(len(row) for row in rows))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = True
        return ids, mask

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Slot states (B, S, D) and pooled vectors (B, D).

        Args:
            ids, mask: (B, T) from `tokenize`.
        """
        batch, length = ids.shape
        num_slots = len(SLOTS)
        x = torch.cat([self.slots.expand(batch, -1, -1), self.embedding(ids)], dim=1)
        alive = torch.cat([torch.ones(batch, num_slots, dtype=torch.bool), mask], dim=1)
        bias = (
            torch.zeros(alive.shape).masked_fill_(~alive, float("-inf"))[:, None, None].to(x.dtype)
        )
        positions = torch.zeros(num_slots + length, 3)
        positions[num_slots:, 0] = torch.arange(1, length + 1)
        cosines, sines = rotary_angles(positions, self.config.hidden_size // self.config.num_heads)
        rotary = (cosines.to(x.dtype), sines.to(x.dtype))
        for block in self.blocks:
            x = block(x, bias, rotary)
        states = self.norm(x[:, :num_slots])
        return states, self.pool(states.flatten(1))

    def condition(
        self,
        captions: Sequence[Sequence[str]],
        frame_spans: Tensor,
        dropped: Tensor | None = None,
        min_spans: int = 1,
        who: Tensor | None = None,
    ) -> Condition:
        """Encode a batch of clips, each with one caption per span.

        Args:
            captions: B lists of captions; shorter lists are padded with nothing.
            frame_spans: (B, F) which caption each latent frame reads.
            dropped: (B,) true where the caption is withheld (null condition); None withholds nothing.
            min_spans: make room for at least so many captions.
            who: (B, spans, P) numbers of the portraits that belong to the captions; None reads them.
        """
        num_spans = max(min_spans, *(len(each) for each in captions))
        num_slots = len(SLOTS)
        flat = [each[i] if i < len(each) else "" for each in captions for i in range(num_spans)]
        states, pooled = self(*self.tokenize(flat))
        batch = len(captions)
        picked = self._read_portraits(states) if who is None else who.flatten(0, 1)
        present = torch.tensor([[i < len(each) for i in range(num_spans)] for each in captions])
        if dropped is not None:
            gone = dropped.repeat_interleave(num_spans)
            states = torch.where(gone[:, None, None], self.null_context, states)
            pooled = torch.where(gone[:, None], self.null_pooled, pooled)
            picked = torch.where(gone[:, None], self.config.num_members, picked)
        return Condition(
            context=states.reshape(batch, num_spans * num_slots, -1),
            mask=present.repeat_interleave(num_slots, dim=1),
            context_spans=torch.arange(num_spans).repeat_interleave(num_slots).expand(batch, -1),
            pooled=pooled.reshape(batch, num_spans, -1),
            frame_spans=frame_spans,
            portraits=self.portraits[picked].reshape(
                batch, num_spans, self.num_portraits, *self.portraits.shape[1:]
            ),
            layout=no_layout(frame_spans),
        )

    def _read_portraits(self, states: Tensor) -> Tensor:
        """Whose portraits the captions ask for, (B, P), from slot states (B, S, D)."""
        scores = [head(states[:, slot]) for slot, head in enumerate(self.casting)]
        if not scores:
            return torch.zeros(len(states), 0, dtype=torch.long)
        return torch.stack([each.argmax(dim=-1) for each in scores], dim=1)
