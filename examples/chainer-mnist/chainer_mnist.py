"""Trains a small network on the MNIST digits with a loop written by hand.

Runs with Chainer 5.1 to 7.8 on Python 3.8 to 3.11, by itself or as a run of Faena. Only the three lines that use
`run` speak to the experiment; outside one they do nothing but print.
"""

import argparse
import random
from pathlib import Path

import chainer
import chainer.functions as F  # noqa: N812 - as in all of Chainer's own examples
import chainer.links as L  # noqa: N812 - as above
import numpy as np
from azureml.core.run import Run
from chainer import iterators, optimizers, serializers
from chainer.backends import cuda
from chainer.dataset import concat_examples


class MLP(chainer.Chain):
    """Two hidden layers; the ten outputs are one score a digit."""

    def __init__(self, n_hidden=100, n_out=10):
        super().__init__()
        with self.init_scope():
            self.l1 = L.Linear(None, n_hidden)
            self.l2 = L.Linear(None, n_hidden)
            self.l3 = L.Linear(None, n_out)

    def forward(self, x):
        h = F.relu(self.l1(x))
        h = F.relu(self.l2(h))
        return self.l3(h)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Train a multi-layer perceptron on MNIST")
    parser.add_argument("--batchsize", "-b", type=int, default=100, help="images in each mini-batch")
    parser.add_argument("--epochs", "-e", type=int, default=20, help="passes over the training set")
    parser.add_argument("--output_dir", "-o", default="./outputs", help="folder for model.npz")
    parser.add_argument("--gpu_id", "-g", type=int, default=0, help="GPU to train on; -1 for the CPU")
    parser.add_argument("--seed", type=int, default=2019, help="seed of every random choice")
    arguments = parser.parse_args()
    if arguments.batchsize < 1 or arguments.epochs < 1:
        parser.error("--batchsize and --epochs must be at least 1")
    return arguments


def fix_seed(seed, gpu_id):
    random.seed(seed)
    np.random.seed(seed)
    if gpu_id >= 0 and cuda.available:
        cuda.cupy.random.seed(seed)


def evaluate(model, dataset, batchsize, gpu_id):
    """Mean loss and accuracy over the whole of `dataset`."""
    loss_sum = correct = 0.0
    # A new iterator each time: an exhausted one cannot be rewound alike in all versions of Chainer.
    batches = iterators.SerialIterator(dataset, batchsize, repeat=False, shuffle=False)
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        for batch in batches:
            x, t = concat_examples(batch, gpu_id)
            y = model(x)
            loss_sum += float(cuda.to_cpu(F.softmax_cross_entropy(y, t).array)) * len(t)
            correct += float(cuda.to_cpu(F.accuracy(y, t).array)) * len(t)
    return loss_sum / len(dataset), correct / len(dataset)


def main():
    arguments = parse_arguments()
    fix_seed(arguments.seed, arguments.gpu_id)

    run = Run.get_context()
    run.log("Batch size", arguments.batchsize)
    run.log("Epochs", arguments.epochs)

    train, test = chainer.datasets.get_mnist()
    batches = iterators.SerialIterator(train, arguments.batchsize)

    model = MLP()
    if arguments.gpu_id >= 0:
        cuda.get_device_from_id(arguments.gpu_id).use()
        model.to_gpu(arguments.gpu_id)
    optimizer = optimizers.MomentumSGD(lr=0.01, momentum=0.9)
    optimizer.setup(model)

    losses = []
    while batches.epoch < arguments.epochs:
        x, t = concat_examples(batches.next(), arguments.gpu_id)
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        losses.append(float(cuda.to_cpu(loss.array)))

        if batches.is_new_epoch:
            val_loss, val_accuracy = evaluate(model, test, arguments.batchsize, arguments.gpu_id)
            print(
                f"epoch:{batches.epoch:02d} train_loss:{sum(losses) / len(losses):.4f} "
                f"val_loss:{val_loss:.4f} val_accuracy:{val_accuracy:.4f}"
            )
            run.log("Accuracy", val_accuracy)
            losses = []

    output_dir = Path(arguments.output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    serializers.save_npz(str(output_dir / "model.npz"), model)


if __name__ == "__main__":
    main()
