"""`unstrung doctor`: what this machine can do, and whether everything is in place."""

import platform
import time
from importlib import resources
from pathlib import Path
from typing import Any

import typer

from unstrung import __version__
from unstrung.commands.output import print_json, print_rows
from unstrung.commands.session import AsJson, Debug, Weights, session_of

_MEASURE_S = 0.3


def doctor(
    context: typer.Context, as_json: AsJson = False, weights: Weights = None, debug: Debug = False
) -> None:
    """Describe processor, speed, chosen precision, weights and video library."""
    session_of(context, debug)
    found = examine(weights)
    if as_json:
        print_json(found)
        return
    precision = found["precision"]
    print_rows(
        {
            "unstrung": found["unstrung"],
            "python": found["python"],
            "processor": found["processor"]["name"],
            "cores": found["processor"]["num_cores"],
            "features": ", ".join(found["processor"]["features"]),
            "torch": f"{found['torch']}, imported in {found['torch_import_s']:.1f} s",
            "fp32": f"{precision['fp32_gflops']:,.0f} GFLOP/s",
            "bf16": f"{precision['bf16_gflops']:,.0f} GFLOP/s",
            "precision": f"{precision['dtype']}: {precision['reason']}",
            "weights": ", ".join(
                f"{file['name']} {file['size_mb']} MB" for file in found["weights"]
            )
            or f"none in {found['weights_folder']}",
            "video": f"PyAV {found['av']}, FFmpeg {found['ffmpeg']}",
            "art": f"{found['art_pictures']} pictures in {found['art_folder']} (only for training)",
        }
    )


def examine(weights: Path | None) -> dict[str, Any]:
    """Measure and collect everything that `doctor` shows."""
    start = time.perf_counter()
    import torch

    torch_import_s = time.perf_counter() - start
    import av

    from unstrung.engine.precision import choose_precision, describe_processor
    from unstrung.engine.theatre.fetch import art_folder

    precision = choose_precision(_MEASURE_S)
    processor = describe_processor()
    folder = weights or Path(str(resources.files("unstrung.engine") / "weights"))
    return {
        "unstrung": __version__,
        "python": platform.python_version(),
        "processor": {
            "name": processor.name,
            "num_cores": processor.num_cores,
            "features": list(processor.features),
        },
        "torch": torch.__version__,
        "torch_import_s": round(torch_import_s, 3),
        "num_threads": torch.get_num_threads(),
        "precision": {
            "dtype": str(precision.dtype).removeprefix("torch."),
            "reason": precision.reason,
            "fp32_gflops": round(precision.fp32_tflops * 1000, 1),
            "bf16_gflops": round(precision.bf16_tflops * 1000, 1),
        },
        "weights_folder": str(folder),
        "weights": [
            {"name": file.name, "size_mb": round(file.stat().st_size / 1e6, 1)}
            for file in sorted(folder.glob("*.safetensors"))
        ],
        "av": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
        "art_folder": str(art_folder()),
        "art_pictures": sum(1 for _ in art_folder().glob("*.webp")),
    }
