"""The denoiser: a single-stream diffusion transformer over spacetime latent patches.

Axes: `B` batch, `C` latent channels, `F H W` latent grid, `L` tokens, `D` width, `S` caption slots.

Design, after Peebles and Xie 2023 (DiT, 2212.09748) and its successors:
- one stream: caption tokens stand in front of video tokens and pass through the same blocks;
- every latent frame has its own time, so given frames simply stand at time 0;
- coarse tokens of 2 x 2 cells carry layout and text, and a few last blocks paint single cells (`FineBlocks`);
- every latent frame belongs to one text span and reads that span's caption only (storyboards);
- adaLN-single (Chen et al. 2023, PixArt, 2310.00426): one projection of time and pooled caption makes
  shift, scale and gate, and each block adds its own learned table;
- the network estimates the clean latents (Li and He 2025, 2511.13720) or the velocity; `flow` converts;
- token routing (Krause et al. 2025, TREAD, 2501.04765): in training a random share of the video tokens
  skips the middle blocks.

No guidance, noise, text encoding or device moves in here.
"""

from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor, nn

from unstrung.engine.models.layers import Block, RMSNorm, TimeEmbedding, rotary_angles
from unstrung.engine.models.layout import LayoutEmbedding, at_start
from unstrung.engine.models.text_encoder import PORTRAIT_CELLS, Condition


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the denoiser.

    Attributes:
        latent_channels: C.
        patch_size: latent cells per token, along height and along width (frames are never merged).
        hidden_size, depth, num_heads, mlp_ratio: the usual.
        context_size: width of the caption features.
        num_portraits: P, portraits in a condition, which become tokens beside the caption's; 0 for none.
        has_layout: whether cells are told what stands where, as far as a condition knows it.
        has_step_size: whether it is told how far the sampler will step by its estimate, and estimates for
            that step (few-step students).
        fine_depth: blocks after the others in which every cell is a token of its own and looks at its own
            frame only; 0 for none.
    """

    latent_channels: int
    patch_size: int = 2
    hidden_size: int = 384
    depth: int = 8
    num_heads: int = 6
    mlp_ratio: float = 2.6667
    context_size: int = 256
    fine_depth: int = 0
    num_portraits: int = 0
    has_layout: bool = False
    has_step_size: bool = False


@dataclass(frozen=True)
class Routing:
    """Which video tokens pass the middle blocks in this training step.

    Attributes:
        kept: (L_kept,) indices of video tokens that take every block.
        first, last: the blocks [first, last) that only the kept ones pass.
    """

    kept: Tensor
    first: int
    last: int


class Transformer(nn.Module):
    """Estimates clean latents or velocity from noisy latents, times and a caption."""

    def __init__(self, config: TransformerConfig) -> None:
        """Build the network; `initialise` has set every weight when this returns."""
        super().__init__()
        self.config = config
        size = config.hidden_size
        patch = config.latent_channels * config.patch_size**2
        self.patch_embedding = nn.Linear(patch, size)
        self.place_embedding = nn.Linear(_PLACE_FEATURES, size, bias=False)
        self.context_embedding = nn.Linear(config.context_size, size)
        self.pooled_embedding = nn.Linear(config.context_size, size)
        self.time_embedding = TimeEmbedding(size)
        if config.has_step_size:
            self.step_size_embedding = TimeEmbedding(size, scale=_STEP_SCALE)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(size, 3 * size))
        self.modulation_tables = nn.Parameter(torch.zeros(config.depth, 3 * size))
        self.blocks = nn.ModuleList(
            Block(size, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        if config.num_portraits:
            self.portrait_tokens = PortraitTokens(config, patch, config.patch_size)
        if config.has_layout:
            self.layout_embedding = LayoutEmbedding(size)
            self.sketch_embedding = nn.Linear(patch, size, bias=False)
        self.fine = FineBlocks(config) if config.fine_depth else None
        self.final_norm = RMSNorm(size)
        self.final_modulation = nn.Linear(size, 2 * size)
        self.final_layer = nn.Linear(size, config.latent_channels if config.fine_depth else patch)
        self._initialise()

    def _initialise(self) -> None:
        """Xavier for linear layers; zero for modulation and output; gates start open at one."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.zeros_(module.proj_out.weight)  # a new block is the identity
        for name, weight in self.named_parameters():
            if "layout_embedding" in name or "sketch_embedding" in name:
                nn.init.zeros_(weight)  # a network that learned without layouts goes on as before
        if self.config.has_step_size:  # a student begins as its teacher
            nn.init.zeros_(self.step_size_embedding.network[-1].get_parameter("weight"))
        nn.init.zeros_(self.modulation[-1].get_parameter("weight"))
        with torch.no_grad():
            for name, tables in self.named_parameters():
                if name.endswith("modulation_tables"):
                    tables[:, 2 * self.config.hidden_size :] = 1.0
        nn.init.zeros_(self.final_modulation.weight)
        nn.init.zeros_(self.final_layer.weight)

    def forward(
        self,
        noisy_latents: Tensor,
        times: Tensor,
        condition: Condition,
        routing: Routing | None = None,
        step_sizes: Tensor | None = None,
    ) -> Tensor:
        """Estimate for every cell, (B, C, F, H, W).

        Args:
            noisy_latents: (B, C, F, H, W).
            times: (B, F) in [0, 1]; 0 marks a given frame.
            condition: caption features; `condition.frame_spans` says which span each frame reads.
            routing: training only.
            step_sizes: (B, F) by how much time each frame is going to move; None for as little as can be.
        """
        _, _, frames, height, width = noisy_latents.shape
        patch = self.config.patch_size
        rows, columns = height // patch, width // patch
        tokens = rearrange(
            noisy_latents, "B C F (H p) (W q) -> B (F H W) (p q C)", p=patch, q=patch
        )  # (B, L, p q C)
        place = self.place_embedding(place_features(rows, columns, frames).to(tokens.dtype))
        video = self.patch_embedding(tokens) + place
        if self.config.has_layout:
            video = video + self._told_layout(condition, rows, columns)
        context = self.context_embedding(condition.context)  # (B, T, D)
        if self.config.num_portraits:
            shown = self.portrait_tokens(condition.portraits)  # (B, S, T', D)
            context = torch.cat([context, shown.flatten(1, 2)], dim=1)
            condition = _with_more_context(condition, shown.shape[2])
        num_context = context.shape[1]
        x = torch.cat([context, video], dim=1)

        per_frame = self.time_embedding(times)  # (B, F, D)
        pooled = self.pooled_embedding(condition.pooled)  # (B, S, D), one per span
        spans = condition.frame_spans  # (B, F)
        frame_pooled = torch.gather(pooled, 1, spans[..., None].expand(-1, -1, pooled.shape[-1]))
        embedded = per_frame + frame_pooled
        if self.config.has_step_size:
            sizes = torch.zeros_like(times) if step_sizes is None else step_sizes
            embedded = embedded + self.step_size_embedding(sizes)
        still = self.time_embedding(torch.zeros_like(times[:, :1]))  # caption tokens carry no noise
        # One entry per frame goes through the projection, not one per token.
        base = self.modulation(torch.cat([still, embedded], dim=1))  # (B, 1 + F, 3 D)
        of_tokens = torch.cat(
            [base[:, :1].expand(-1, num_context, -1), _to_tokens(base[:, 1:], rows * columns)],
            dim=1,
        )
        bias = attention_bias(condition, rows * columns).to(x.dtype)
        head_size = self.config.hidden_size // self.config.num_heads
        rotary = grid_rotary(num_context, (frames, rows, columns), head_size, x.dtype)
        x = self._run_blocks(x, of_tokens, bias, rotary, routing, num_context)[:, num_context:]
        x = rearrange(x, "B (F H W) D -> B F (H W) D", F=frames, H=rows)
        if self.fine is not None:
            x = self.fine(x, noisy_latents, base[:, 1:], condition)
            patch = 1
        return self._finish(x, embedded, (height // patch, width // patch), patch)

    def _told_layout(self, condition: Condition, rows: int, columns: int) -> Tensor:
        """What the coarse tokens (B, L, D) learn from the condition's layout and sketch."""
        patch = self.config.patch_size
        before = at_start(condition.layout, condition.frame_spans)
        told: Tensor = self.layout_embedding(condition.layout, before, rows, columns).flatten(1, 2)
        if condition.sketch is None:
            return told
        sketch = rearrange(
            condition.sketch, "B C F (H p) (W q) -> B (F H W) (p q C)", p=patch, q=patch
        )
        with_sketch: Tensor = told + self.sketch_embedding(sketch)
        return with_sketch

    def _finish(self, x: Tensor, embedded: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
        """Cells (B, C, F, H, W) from tokens (B, F, L, D) of a grid."""
        shift, scale = self.final_modulation(embedded)[:, :, None].chunk(2, dim=-1)
        x = self.final_norm(x) * (1 + scale) + shift
        estimate: Tensor = rearrange(
            self.final_layer(x), "B F (H W) (p q C) -> B C F (H p) (W q)",
            H=grid[0], W=grid[1], p=patch, q=patch,
        )  # fmt: skip
        return estimate

    def _run_blocks(
        self,
        x: Tensor,
        base: Tensor,
        bias: Tensor,
        rotary: tuple[Tensor, Tensor],
        routing: Routing | None,
        num_context: int,
    ) -> Tensor:
        rest: Tensor | None = None
        taken = torch.empty(0, dtype=torch.long)
        full = (base, bias, rotary)
        now = full
        for index, block in enumerate(self.blocks):
            if routing is not None and index == routing.first:
                taken = torch.cat([torch.arange(num_context), num_context + routing.kept])
                rest, x = x, x[:, taken]
                now = (
                    base[:, taken],
                    bias[:, :, taken][..., taken],
                    (rotary[0][taken], rotary[1][taken]),
                )
            if routing is not None and index == routing.last and rest is not None:
                x = rest.index_copy(1, taken, x)
                now = full
            modulation = (now[0] + self.modulation_tables[index]).chunk(3, dim=-1)
            x = block(x, now[1], now[2], modulation)
        return x


def grid_rotary(
    num_context: int, grid: tuple[int, int, int], head_size: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Rotary angles of caption tokens, which stand at the origin, and of a grid (F, H, W) of tokens."""
    frames, rows, columns = grid
    places = torch.cartesian_prod(
        torch.arange(frames).float(),
        torch.arange(rows).float() - (rows - 1) / 2,
        torch.arange(columns).float() - (columns - 1) / 2,
    )
    positions = torch.cat([torch.zeros(num_context, 3), places])
    cosines, sines = rotary_angles(positions, head_size)
    return cosines.to(dtype), sines.to(dtype)


class FineBlocks(nn.Module):
    """The last blocks, at one token a cell: what the coarse tokens have understood is painted here.

    Coarse tokens carry layout, text and time at a quarter of the cost; each is split into its cells, which
    see the noisy latents again. After Crowson et al. 2024 (HDiT, 2401.11605) and, for the split into
    understanding and painting, Wang et al. 2025 (DDT, 2504.05741).
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Blocks of the coarse ones' width."""
        super().__init__()
        size = config.hidden_size
        self.head_size = size // config.num_heads
        self.split = nn.Linear(size, size * config.patch_size**2)
        self.cell_embedding = nn.Linear(config.latent_channels, size)
        self.place_embedding = nn.Linear(_PLACE_FEATURES, size, bias=False)
        self.patch_size, self.num_portraits = config.patch_size, config.num_portraits
        if config.num_portraits:
            self.portrait_tokens = PortraitTokens(config, config.latent_channels, 1)
        self.has_layout = config.has_layout
        if config.has_layout:
            self.layout_embedding = LayoutEmbedding(size)
            self.sketch_embedding = nn.Linear(config.latent_channels, size, bias=False)
        self.modulation_tables = nn.Parameter(torch.zeros(config.fine_depth, 3 * size))
        self.blocks = nn.ModuleList(
            Block(size, config.num_heads, config.mlp_ratio) for _ in range(config.fine_depth)
        )

    def forward(
        self, coarse: Tensor, noisy_latents: Tensor, base: Tensor, condition: Condition
    ) -> Tensor:
        """Tokens (B, F, cells, D).

        Args:
            coarse: (B, F, L, D) tokens of every frame.
            noisy_latents: (B, C, F, H, W).
            base: (B, F, 3 D) modulation of every frame.
            condition: whose portraits every frame sees, and whose layout it follows.
        """
        patch = self.patch_size
        batch, _, frames, height, width = noisy_latents.shape
        x = rearrange(
            self.split(coarse), "B F (H W) (p q D) -> (B F) (H p W q) D",
            H=height // patch, p=patch, q=patch,
        )  # fmt: skip
        cells = rearrange(noisy_latents, "B C F H W -> (B F) (H W) C")
        place = self.place_embedding(place_features(height, width, 1).to(x.dtype))
        x = x + self.cell_embedding(cells) + place
        if self.has_layout:
            before = at_start(condition.layout, condition.frame_spans)
            told = self.layout_embedding(condition.layout, before, height, width)
            x = x + told.flatten(0, 1)
            if condition.sketch is not None:
                sketch = rearrange(condition.sketch, "B C F H W -> (B F) (H W) C")
                x = x + self.sketch_embedding(sketch)
        shown: Tensor | None = None
        if self.num_portraits:
            tokens = self.portrait_tokens(condition.portraits)  # (B, S, T, D)
            spans = condition.frame_spans[..., None, None].expand(-1, -1, *tokens.shape[2:])
            shown = torch.gather(tokens, 1, spans).flatten(0, 1)  # (B F, T, D)
        rotary = grid_rotary(0, (1, height, width), self.head_size, x.dtype)
        for table, block in zip(self.modulation_tables, self.blocks, strict=True):
            modulation = (base.flatten(0, 1)[:, None] + table).chunk(3, dim=-1)
            x = block(x, None, rotary, modulation, shown)
        by_frame: Tensor = x.unflatten(0, (batch, frames))
        return by_frame


class PortraitTokens(nn.Module):
    """Portraits as tokens: what stands where on whose portrait."""

    def __init__(self, config: TransformerConfig, token_size: int, patch: int) -> None:
        """Tokens of `patch` x `patch` cells, `token_size` numbers each."""
        super().__init__()
        self.patch = patch
        self.embedding = nn.Linear(token_size, config.hidden_size)
        num_tokens = config.num_portraits * (PORTRAIT_CELLS // patch) ** 2
        self.places = nn.Parameter(torch.empty(num_tokens, config.hidden_size))
        nn.init.normal_(self.places, std=0.5)

    def forward(self, portraits: Tensor) -> Tensor:
        """(B, S, P, C, h, w) to (B, S, P tokens, D)."""
        tokens = rearrange(
            portraits, "B S P C (H p) (W q) -> B S (P H W) (p q C)", p=self.patch, q=self.patch
        )
        shown: Tensor = self.embedding(tokens) + self.places
        return shown


def _with_more_context(condition: Condition, num_tokens: int) -> Condition:
    """The same condition with room for so many more context tokens in every span."""
    num_spans = condition.portraits.shape[1]
    slots = condition.mask.shape[1] // num_spans
    spans = torch.arange(num_spans).repeat_interleave(num_tokens).expand(len(condition.mask), -1)
    mask = condition.mask[:, ::slots].repeat_interleave(num_tokens, dim=1)
    return replace(
        condition,
        mask=torch.cat([condition.mask, mask], dim=1),
        context_spans=torch.cat([condition.context_spans, spans], dim=1),
    )


_STEP_SCALE = 20.0  # step sizes between those that were learned must mean something, too
_PLACE_FREQUENCIES = (0.5, 1.0, 2.0, 4.0, 8.0)
_PLACE_FEATURES = 4 * len(_PLACE_FREQUENCIES) + 1


def place_features(rows: int, columns: int, frames: int) -> Tensor:
    """Where each token stands in the view, in units of the view's height, (F rows columns, features).

    Rotary angles tell tokens how far apart they are; this tells them where the floor is, whatever the
    size of the picture.
    """
    y = (torch.arange(rows) + 0.5) / rows - 0.5
    x = (torch.arange(columns) + 0.5) / rows - columns / rows / 2
    grid = torch.cartesian_prod(y, x)  # (rows columns, 2)
    angles = torch.pi * grid[..., None] * torch.tensor(_PLACE_FREQUENCIES)
    features = torch.cat([angles.cos().flatten(1), angles.sin().flatten(1)], dim=-1)
    aspect = torch.full((len(grid), 1), columns / rows - 1.0)
    return torch.cat([features, aspect], dim=-1).repeat(frames, 1)


def attention_bias(condition: Condition, tokens_per_frame: int) -> Tensor:
    """What may look at what: (B, 1, L, L) of 0 and -inf.

    Everybody sees all video tokens except that caption tokens see only video of their own span; video
    and caption tokens see only caption tokens of their own span, and never padding. Every token sees itself,
    padding too: a row that may look at nothing would come out of the softmax as NaN and spread.
    """
    video_spans = _to_tokens(condition.frame_spans[..., None], tokens_per_frame)[..., 0]
    spans = torch.cat([condition.context_spans, video_spans], dim=1)  # (B, L)
    is_video = torch.zeros_like(spans, dtype=torch.bool)
    is_video[:, condition.context_spans.shape[1] :] = True
    alive = torch.cat([condition.mask, torch.ones_like(video_spans, dtype=torch.bool)], dim=1)
    same = spans[:, :, None] == spans[:, None, :]
    both_video = is_video[:, :, None] & is_video[:, None, :]
    itself = torch.eye(spans.shape[1], dtype=torch.bool)
    allowed = ((same | both_video) & alive[:, None, :]) | itself
    bias = torch.zeros(allowed.shape).masked_fill_(~allowed, float("-inf"))
    return bias[:, None]


def _to_tokens(per_frame: Tensor, tokens_per_frame: int) -> Tensor:
    """Repeat what belongs to a frame (B, F, X) for each of its tokens (B, L, X)."""
    return per_frame.repeat_interleave(tokens_per_frame, dim=1)
