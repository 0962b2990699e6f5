"""Parts that the text encoder and the transformer share.

Axes: `B` batch, `L` tokens, `D` width of the model, `N` heads, `K` head size, `F H W` latent grid.
"""

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional


class RMSNorm(nn.Module):
    """Scale vectors to unit root mean square, with a learned gain; Zhang and Sennrich 2019, 1910.07467."""

    def __init__(self, size: int) -> None:
        """Start with a gain of one."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        return normalise(x, self.weight)


_EPSILON = 1e-6


def normalise(x: Tensor, gain: Tensor) -> Tensor:
    """Vectors along the last axis with unit root mean square, times a gain that broadcasts.

    torch's own kernel has a slow path for bf16 on CPU (1.0 ms for 832 vectors of 384, 0.08 ms here), so
    it is used only where gradients or a compiler need it.
    """
    gain = gain.to(x.dtype)
    if torch.is_grad_enabled():
        unit: Tensor = functional.rms_norm(x, x.shape[-1:], None, _EPSILON)
        return unit * gain
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    size = x.shape[-1] ** 0.5
    scaled: Tensor = x * length.clamp_min_(_EPSILON**0.5 * size).reciprocal_().mul_(size)
    return scaled.mul_(gain)


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Scaled dot-product attention by explicit matrix products.

    torch's fused CPU kernel is slow backwards at our lengths (a few hundred tokens), so the products are
    written out while gradients are wanted and the fused kernel is used otherwise.

    Args:
        query, key, value: (B, N, L, K).
        bias: (B or 1, 1, L, L) added to the scores; -inf forbids, None allows everything.
    """
    if not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (B, N, L, L)
    if bias is not None:
        scores = scores + bias
    return torch.softmax(scores, dim=-1) @ value


def rotary_angles(positions: Tensor, head_size: int, theta: float = 100.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines of axial rotary embeddings; Su et al. 2021, 2104.09864, one share per axis.

    Args:
        positions: (L, 3) frame, row and column of every token, in tokens.
        head_size: K, split into a quarter for frames and three eighths each for rows and columns.
        theta: base of the frequencies; small, because grids are a dozen tokens wide.

    Returns:
        Two tensors (L, K): cosines twice, and sines once negated and once plain, as `rotate` wants them.
    """
    shares = (head_size // 8, head_size * 3 // 16, head_size * 3 // 16)
    angles = []
    for axis, share in enumerate(shares):
        frequencies = theta ** -(torch.arange(share, dtype=torch.float32) / share)
        angles.append(positions[:, axis : axis + 1].float() * frequencies)
    joined = torch.cat(angles, dim=-1)
    cosines, sines = joined.cos(), joined.sin()
    return torch.cat([cosines, cosines], dim=-1), torch.cat([-sines, sines], dim=-1)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn pairs of channels (i, i + K / 2) by their angles.

    Args:
        x: (..., L, K).
        cosines, sines: (L, K) from `rotary_angles`.
    """
    return torch.addcmul(x * cosines, x.roll(x.shape[-1] // 2, dims=-1), sines)


class TimeEmbedding(nn.Module):
    """Sinusoids of the flow time, then a small network; Ho et al. 2020, 2006.11239."""

    def __init__(self, hidden_size: int, num_frequencies: int = 128, scale: float = 1000.0) -> None:
        """Two linear layers behind `num_frequencies` cosines and sines, the quickest at `scale` radians."""
        super().__init__()
        self.scale = scale
        self.num_frequencies = num_frequencies
        self.network = nn.Sequential(
            nn.Linear(2 * num_frequencies, hidden_size),
            nn.SiLU(),
            nn.Linear(hidden_size, hidden_size),
        )

    def forward(self, times: Tensor) -> Tensor:
        """Embed times in [0, 1] of any shape (...) as (..., D)."""
        exponents = torch.arange(self.num_frequencies, device=times.device) / self.num_frequencies
        angles = self.scale * times[..., None].float() * torch.exp(-math.log(10_000.0) * exponents)
        features = torch.cat([angles.cos(), angles.sin()], dim=-1)
        embedded: Tensor = self.network(features.to(self.network[0].get_parameter("weight").dtype))
        return embedded


class Block(nn.Module):
    """Attention and gated MLP side by side, reading one modulated input and sharing their projections.

    Parallel layers as in Dehghani et al. 2023 (ViT-22B, 2302.05442); SwiGLU as in Shazeer 2020
    (2002.05202); query-key normalisation as in Henry et al. 2020 (2010.04245).
    """

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float) -> None:
        """Zero the output projection, so that a new block is the identity."""
        super().__init__()
        self.num_heads = num_heads
        self.head_size = hidden_size // num_heads
        self.mlp_size = int(hidden_size * mlp_ratio) // 32 * 32
        self.norm = RMSNorm(hidden_size)
        self.query_norm = RMSNorm(self.head_size)
        self.key_norm = RMSNorm(self.head_size)
        self.proj_in = nn.Linear(hidden_size, 3 * hidden_size + 2 * self.mlp_size, bias=False)
        self.proj_out = nn.Linear(hidden_size + self.mlp_size, hidden_size, bias=False)
        nn.init.zeros_(self.proj_out.weight)

    def forward(
        self,
        x: Tensor,
        bias: Tensor | None,
        rotary: tuple[Tensor, Tensor] | None,
        modulation: tuple[Tensor, Tensor, Tensor] | None = None,
        shown: Tensor | None = None,
    ) -> Tensor:
        """One residual step.

        Args:
            x: (B, L, D).
            bias: see `attention`.
            rotary: cosines and sines for the tokens, or None.
            modulation: shift, scale and gate, each broadcastable to (B, L, D), or None.
            shown: (B, T, D) tokens at the origin that may be looked at and stay as they are; needs no bias.
        """
        hidden = self.norm(x)
        if modulation is not None:
            shift, scale, _ = modulation
            hidden = torch.addcmul(shift, hidden, 1 + scale)
        width = x.shape[-1]
        pairs, values, up, gate = self.proj_in(hidden).split(
            [2 * width, width, self.mlp_size, self.mlp_size], dim=-1
        )
        # Queries and keys go through the same steps as one tensor.
        pairs = rearrange(pairs, "B L (two N K) -> two B N L K", two=2, N=self.num_heads)
        value = rearrange(values, "B L (N K) -> B N L K", N=self.num_heads)
        gains = torch.stack([self.query_norm.weight, self.key_norm.weight])
        pairs = normalise(pairs, gains[:, None, None, None])
        query, key = (pairs if rotary is None else rotate(pairs, *rotary)).unbind(0)
        if shown is not None:
            more_key, more_value = self._look_at(shown)
            key, value = torch.cat([more_key, key], dim=2), torch.cat([more_value, value], dim=2)
        mixed = rearrange(attention(query, key, value, bias), "B N L K -> B L (N K)")
        update: Tensor = self.proj_out(torch.cat([mixed, functional.silu(gate) * up], dim=-1))
        if modulation is not None:
            update = update * modulation[2]
        return x + update

    def _look_at(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, N, T, K) of tokens that ask for nothing themselves."""
        width = shown.shape[-1]
        weight = self.proj_in.weight[width : 3 * width]
        key, value = rearrange(
            functional.linear(self.norm(shown), weight),
            "B T (two N K) -> two B N T K", two=2, N=self.num_heads,
        )  # fmt: skip
        return self.key_norm(key), value
