#!/usr/bin/env bash
# The whole recipe of the shipped model `mini`, from art to weights, on a CPU.
#
# Minutes below are the plan's. The milestone that ships now took 11 for the text encoder on two AVX-512 cores in
# fp32, and on two AMX cores in bf16 99 for the transformer (whose plan changed twice on the way), 7 for the oracle
# and 6 for the decoder; layouts and sketches came in the last 1.1 hours of the transformer, on two AVX2 cores in fp32, with 14 minutes
# of planner (docs/experiments.md). Every training step can be stopped and goes on with --resume.
# Usage: runs/mini.sh [minutes of transformer training in this session, default 120]
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-120}
unstrung=${UNSTRUNG:-.venv/bin/unstrung}
root=training

# glibc returns large blocks to the system after every step and faults them in again; keeping them is worth
# about 15 % of a training step.
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=500000000

# 1. Art: 730 MB from npm, checked against pinned SHA-512 (2 minutes).
"$unstrung" data fetch

# 2. Linear code: principal components of 4 x 16 x 16 cells on 3,600 renders (3 minutes).
[ -f $root/autoencoder-mini/autoencoder.safetensors ] ||
  "$unstrung" train autoencoder --preset mini --out $root/autoencoder-mini --minutes 0

# 3. Clips: 85,000 renders as latents, 4 GB (6 minutes).
[ -d $root/data ] || "$unstrung" data prepare --preset mini --out $root/data

# 4. Text encoder: reads scripts from captions in six languages (8 minutes).
[ -f $root/text-mini/text_encoder.safetensors ] || "$unstrung" train text --preset mini --out $root/text-mini

# 5. Oracle: the judge, on renders only (9 minutes).
[ -f $root/oracle-mini/oracle.safetensors ] || "$unstrung" train oracle --preset mini --out $root/oracle-mini

# 6. Transformer: the long run; identity needs hours.
resume=
[ -f $root/transformer-mini/state.pt ] && resume=--resume
"$unstrung" train transformer --preset mini --out $root/transformer-mini --minutes "$minutes" $resume

# 7. Planner: draws layouts from captions, by the text encoder as the transformer has left it (15 minutes).
resume=
[ -f $root/planner-mini/state.pt ] && resume=--resume
"$unstrung" train planner --preset mini --out $root/planner-mini $resume

# 8. Student: the same network in four steps instead of twelve guided ones (22 minutes).
"$unstrung" train student --preset mini --out $root/student-mini

# 9. Decoder: shows what the student draws, with the sketch at hand (40 minutes).
"$unstrung" train autoencoder --preset mini --out $root/autoencoder-mini --resume

# 10. Ship: bf16 weights, cards and scores.
"$unstrung" ship --preset mini --out src/unstrung/engine/weights
"$unstrung" evaluate --split heldout --num 200
