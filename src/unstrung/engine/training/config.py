"""What a training run of the transformer is made of: frozen values, checked when they are built."""

from dataclasses import dataclass, field

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.shapes import LatentShape
from unstrung.engine.training.objectives import ObjectiveConfig


@dataclass(frozen=True)
class Mixture:
    """How often each latent shape is drawn, and how many tokens a batch may hold.

    Attributes:
        shares: latent shape -> share at the start of a run; shares need not sum to one.
        late_shares: the same at its end, between which they move evenly; empty leaves them as they are.
        batch_tokens: most video tokens of a batch.
        max_batch: most clips of a batch, whatever their shape.
    """

    shares: tuple[tuple[LatentShape, float], ...]
    batch_tokens: int = 4096
    max_batch: int = 192
    late_shares: tuple[tuple[LatentShape, float], ...] = ()

    def shares_at(self, remaining: float) -> tuple[tuple[LatentShape, float], ...]:
        """Shares, summing to one, when `remaining` of the run is still ahead."""

        def normalised(shares: tuple[tuple[LatentShape, float], ...]) -> dict[LatentShape, float]:
            total = sum(share for _, share in shares)
            return {shape: share / total for shape, share in shares}

        early = normalised(self.shares)
        late = normalised(self.late_shares or self.shares)
        shapes = dict.fromkeys([*early, *late])
        return tuple(
            (s, remaining * early.get(s, 0.0) + (1 - remaining) * late.get(s, 0.0)) for s in shapes
        )

    def batch_size(self, shape: LatentShape, patch_size: int) -> int:
        """Clips of a shape in a batch."""
        tokens = shape.num_cells // patch_size**2
        return max(1, min(self.max_batch, self.batch_tokens // tokens))


@dataclass(frozen=True)
class TrainingConfig:
    """One run.

    Attributes:
        mixture: what the batches hold.
        objective: what is asked.
        muon_lr, adam_lr: peak step sizes.
        warmup_steps: steps over which they rise from zero.
        cooldown_share: last share of a run's minutes over which they fall to zero; 0 keeps them (resumable).
        ema_decay: of the weights that are sampled from and shipped.
        caption_dropout: share of clips trained without their caption, for guidance.
        layout_dropout: share of clips trained without their layout; of those without a caption, half.
        text_lr_share: step size of the text encoder as a share of the transformer's; 0 lets it only read, and
            at 1 it forgot how to read within 200 steps (docs/experiments.md).
        reader_weight: weight of the script-reading loss that keeps the text encoder honest.
        text_every: the text encoder learns in one of so many steps; in the others it only reads.
        questions: times and noises drawn for each clip of a batch; the captions are read once for all, which
            pays where reading costs more than predicting.
        route_share: share of video tokens that skip the middle blocks; 0 routes nothing.
        grad_clip: largest norm of the gradient.
        seed: of everything drawn.
    """

    mixture: Mixture
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    muon_lr: float = 1.5e-3
    adam_lr: float = 1e-3
    warmup_steps: int = 50
    cooldown_share: float = 0.0
    ema_decay: float = 0.999
    caption_dropout: float = 0.1
    layout_dropout: float = 0.1
    text_lr_share: float = 0.1
    reader_weight: float = 0.3
    text_every: int = 4
    questions: int = 1
    route_share: float = 0.0
    grad_clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the shares."""
        for name in (
            "cooldown_share",
            "caption_dropout",
            "layout_dropout",
            "route_share",
            "ema_decay",
        ):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise InvalidRequest(name, value, "lie in [0, 1)")
        if self.muon_lr <= 0 or self.adam_lr <= 0:
            raise InvalidRequest("muon_lr and adam_lr", (self.muon_lr, self.adam_lr), "be positive")
