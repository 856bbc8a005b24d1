"""A Chainer trainer that goes on from its newest snapshot, whatever ended it: see docs/checkpoints.md.

faena submit train.py --framework chainer --max-retries 3 --epochs 20
"""

import argparse
from pathlib import Path

import chainer
import numpy as np
from chainer import training
from chainer.training import extensions

from faena import Run

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
options = parser.parse_args()
run = Run.get_context()

noise = np.random.RandomState(0)
x = noise.rand(512, 8).astype(np.float32)
y = (x.sum(axis=1) > 4).astype(np.int32)
iterator = chainer.iterators.SerialIterator(chainer.datasets.TupleDataset(x, y), 64)


class Net(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.hidden = chainer.links.Linear(8, 16)
            self.out = chainer.links.Linear(16, 2)

    def __call__(self, batch):
        return self.out(chainer.functions.relu(self.hidden(batch)))


optimizer = chainer.optimizers.Adam()
optimizer.setup(chainer.links.Classifier(Net()))
updater = training.updaters.StandardUpdater(iterator, optimizer)
trainer = training.Trainer(updater, (options.epochs, "epoch"), out="outputs/checkpoints")


@training.make_extension(trigger=(1, "epoch"))
def log(trainer):
    run.log("loss", float(trainer.observation["main/loss"].array), step=trainer.updater.epoch)


trainer.extend(log)
trainer.extend(extensions.snapshot(), trigger=(1, "epoch"))
if snapshots := list(Path("outputs/checkpoints").glob("snapshot_iter_*")):
    newest = max(snapshots, key=lambda path: path.stat().st_mtime)
    print("goes on from", newest.name)
    chainer.serializers.load_npz(newest, trainer)
trainer.run()
chainer.serializers.save_npz("outputs/model.npz", optimizer.target)
