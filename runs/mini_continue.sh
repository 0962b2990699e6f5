#!/usr/bin/env bash
# Go on training the shipped model on a machine that has nothing but this checkout.
#
# The shipped transformer is a few-step student; its teacher, which goes on here, is in the repository's history.
# Apart from it the shipped weights are the training state: transformer and text encoder (averaged, bf16), the linear code
# (fp32), the oracle and the reading heads. Optimisers start fresh, which a warm-up absorbs.
# Usage: runs/mini_continue.sh [minutes, default 120] [seed of the new clips, default 12]
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-120}
seed=${2:-12}
unstrung=${UNSTRUNG:-.venv/bin/unstrung}
weights=src/unstrung/engine/weights
root=training
teacher=$root/teacher
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=500000000

mkdir -p $root/autoencoder-mini $root/text-mini $root/oracle-mini
cp $weights/autoencoder.safetensors $root/autoencoder-mini/
cp $weights/text_encoder.safetensors $weights/reader.safetensors $root/text-mini/
[ -f $root/oracle-mini/oracle.safetensors ] || cp $weights/oracle.safetensors $root/oracle-mini/

mkdir -p $teacher
cp $weights/text_encoder.safetensors $weights/reader.safetensors $teacher/
git show 0ea8639:$weights/transformer.safetensors > $teacher/transformer.safetensors

"$unstrung" data fetch
"$unstrung" data prepare --preset mini --out $root/data --seed "$seed"
# Constant step sizes, then the last tenth falls to zero: what is shipped is sharp, and can still be gone on with.
"$unstrung" train transformer --preset mini --out $root/transformer-mini \
  --minutes "$minutes" --start $teacher --cooldown 0.1
"$unstrung" train planner --preset mini --out $root/planner-mini
"$unstrung" train student --preset mini --out $root/student-mini
"$unstrung" ship --preset mini --root $root --out $weights
