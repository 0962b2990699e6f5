"""Which number format this processor multiplies matrices fastest in: measured, not guessed.

bf16 is several times faster where the processor has AMX or AVX-512-bf16 and slower where it has not, and
virtual machines hide or show these features at will. So both formats are timed once per process.
"""

import os
import platform
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import torch

BF16_MIN_SPEEDUP: Final = 1.3
_ROWS, _INNER, _COLUMNS = 1024, 512, 1024
_FEATURES: Final = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16")


@dataclass(frozen=True)
class Precision:
    """The chosen number format and what it was chosen by.

    Attributes:
        dtype: torch.bfloat16 or torch.float32.
        reason: one sentence for people.
        fp32_tflops, bf16_tflops: measured speed of a matrix product [10^12 operations a second].
    """

    dtype: torch.dtype
    reason: str
    fp32_tflops: float
    bf16_tflops: float


@dataclass(frozen=True)
class Processor:
    """The processor as the operating system describes it.

    Attributes:
        name: as its maker calls it.
        num_cores: cores this process may use.
        features: those of the instruction sets that matter here which are present.
    """

    name: str
    num_cores: int
    features: tuple[str, ...]


@cache
def choose_precision(measure_s: float = 0.1) -> Precision:
    """Time fp32 and bf16 matrix products and take bf16 only where it is plainly faster.

    Args:
        measure_s: time to spend on each format [s].
    """
    fp32 = measure_tflops(torch.float32, measure_s)
    bf16 = measure_tflops(torch.bfloat16, measure_s)
    speedup = bf16 / fp32
    if speedup >= BF16_MIN_SPEEDUP:
        reason = f"bf16 is {speedup:.1f} times as fast as fp32 here."
        return Precision(torch.bfloat16, reason, fp32, bf16)
    reason = f"bf16 is only {speedup:.1f} times as fast as fp32 here; {BF16_MIN_SPEEDUP} is needed."
    return Precision(torch.float32, reason, fp32, bf16)


def measure_tflops(dtype: torch.dtype, measure_s: float = 0.3) -> float:
    """Speed of a matrix product of the shapes that the transformer uses [10^12 operations a second].

    The fastest of the timed products counts: other programs only ever slow one down.
    """
    left = torch.ones(_ROWS, _INNER, dtype=dtype)
    right = torch.ones(_INNER, _COLUMNS, dtype=dtype)
    out = torch.empty(_ROWS, _COLUMNS, dtype=dtype)
    torch.mm(left, right, out=out)  # the first product sets up its kernel
    fastest, end = float("inf"), time.perf_counter() + measure_s
    while True:
        start = time.perf_counter()
        torch.mm(left, right, out=out)
        now = time.perf_counter()
        fastest = min(fastest, now - start)
        if now >= end:
            return 2 * _ROWS * _INNER * _COLUMNS / fastest / 1e12


def describe_processor() -> Processor:
    """Name, cores and instruction sets of this machine's processor."""
    name, flags = platform.processor() or platform.machine(), set[str]()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            key, _, value = (part.strip() for part in line.partition(":"))
            if key == "model name":
                name = value
            elif key in ("flags", "Features"):
                flags = set(value.split())
                break
    affinity = getattr(os, "sched_getaffinity", None)  # only Linux has it
    num_cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return Processor(name, num_cores, tuple(feature for feature in _FEATURES if feature in flags))
