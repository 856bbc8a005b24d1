"""One interval of a linear regression by stochastic gradient descent, from the checkpoint that is there.

The gradient of one example is mostly noise: a large learning rate gets near the solution fast, and only a small one
gets any closer. So the best rate falls as training goes on, which population based training finds out by itself.
"""

import argparse
import json
import random
from pathlib import Path

from faena import Run

FEATURES = 20
TRUTH = [(-1) ** k * (k + 1) / 5 for k in range(FEATURES)]

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--checkpoint-dir", type=Path, default=Path("outputs/checkpoint"))
parser.add_argument("--steps", type=int, default=200)
asked = parser.parse_args()

place = asked.checkpoint_dir / "state.json"
step, weights = 0, [0.0] * FEATURES
if place.exists():
    step, weights = json.loads(place.read_text())

chance = random.Random(step)
for _ in range(asked.steps):
    x = [chance.gauss(0, 1) for _ in TRUTH]
    y = sum(a * b for a, b in zip(x, TRUTH, strict=True)) + chance.gauss(0, 1)
    error = sum(a * b for a, b in zip(x, weights, strict=True)) - y
    weights = [max(-1e6, min(1e6, w - asked.lr * error * a)) for w, a in zip(weights, x, strict=True)]
step += asked.steps

run = Run.get_context()
loss = sum((a - b) ** 2 for a, b in zip(weights, TRUTH, strict=True))
run.log("Loss", loss, step=step)

asked.checkpoint_dir.mkdir(parents=True, exist_ok=True)
new = place.with_suffix(".new")
new.write_text(json.dumps([step, weights]))
new.replace(place)
