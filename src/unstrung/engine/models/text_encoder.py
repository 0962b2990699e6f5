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
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from unstrung.engine.models.layers import Block, RMSNorm, rotary_angles

SLOTS = ("actor", "second_actor", "setting", "motion", "look", "free_1", "free_2", "free_3")


@dataclass(frozen=True)
class Condition:
    """Everything that the transformer is told about a batch of clips besides noisy latents and times.

    Attributes:
        context: (B, T, D) caption features, all spans one after the other.
        mask: (B, T) true where a feature stands for something.
        context_spans: (B, T) which span a feature belongs to.
        pooled: (B, S, D) one vector per span.
        frame_spans: (B, F) which span each latent frame reads.
    """

    context: Tensor
    mask: Tensor
    context_spans: Tensor
    pooled: Tensor
    frame_spans: Tensor

    def to(self, dtype: torch.dtype) -> "Condition":
        """The same condition with features of another number type."""
        return replace(self, context=self.context.to(dtype), pooled=self.pooled.to(dtype))

    def with_frame_spans(self, frame_spans: Tensor) -> "Condition":
        """The same captions for another division of the frames."""
        return replace(self, frame_spans=frame_spans)


@dataclass(frozen=True)
class TextEncoderConfig:
    """Sizes of the text encoder."""

    vocabulary_size: int
    hidden_size: int = 256
    depth: int = 3
    num_heads: int = 4
    max_tokens: int = 48


class TextEncoder(nn.Module):
    """Slot states and a pooled vector for captions."""

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
    ) -> Condition:
        """Encode a batch of clips, each with one caption per span.

        Args:
            captions: B lists of captions; shorter lists are padded with nothing.
            frame_spans: (B, F) which caption each latent frame reads.
            dropped: (B,) true where the caption is withheld (null condition); None withholds nothing.
            min_spans: make room for at least so many captions.
        """
        num_spans = max(min_spans, *(len(each) for each in captions))
        num_slots = len(SLOTS)
        flat = [each[i] if i < len(each) else "" for each in captions for i in range(num_spans)]
        states, pooled = self(*self.tokenize(flat))
        batch = len(captions)
        present = torch.tensor([[i < len(each) for i in range(num_spans)] for each in captions])
        if dropped is not None:
            gone = dropped.repeat_interleave(num_spans)
            states = torch.where(gone[:, None, None], self.null_context, states)
            pooled = torch.where(gone[:, None], self.null_pooled, pooled)
        return Condition(
            context=states.reshape(batch, num_spans * num_slots, -1),
            mask=present.repeat_interleave(num_slots, dim=1),
            context_spans=torch.arange(num_spans).repeat_interleave(num_slots).expand(batch, -1),
            pooled=pooled.reshape(batch, num_spans, -1),
            frame_spans=frame_spans,
        )
