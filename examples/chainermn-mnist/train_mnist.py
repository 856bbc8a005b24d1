"""MNIST with ChainerMN: each rank trains on its part of the data, and gradients are averaged."""

from __future__ import annotations

import argparse
from pathlib import Path

import chainer
import chainer.functions as F  # noqa: N812 - as in all of Chainer's own examples
import chainer.links as L  # noqa: N812 - as above
import chainermn
from chainer import training
from chainer.training import extensions


class MLP(chainer.Chain):
    def __init__(self, units, classes):
        super().__init__(l1=L.Linear(784, units), l2=L.Linear(units, units), l3=L.Linear(units, classes))

    def __call__(self, x):
        return self.l3(F.relu(self.l2(F.relu(self.l1(x)))))


def arguments():
    parser = argparse.ArgumentParser(description="ChainerMN example: MNIST")
    parser.add_argument(
        "--batchsize", "-b", type=int, default=100, help="images in each mini-batch, of each rank"
    )
    parser.add_argument("--communicator", default="hierarchical", help="'naive' is the one for CPUs")
    parser.add_argument("--epoch", "-e", type=int, default=20)
    parser.add_argument("--gpu", "-g", action="store_true")
    parser.add_argument("--out", "-o", default="outputs")
    parser.add_argument("--unit", "-u", type=int, default=1000)
    return parser.parse_args()


def main():
    args = arguments()
    comm = chainermn.create_communicator(args.communicator)
    device = comm.intra_rank if args.gpu else -1
    if comm.rank == 0:
        print(
            "ranks:",
            comm.size,
            "on each node:",
            comm.intra_size,
            "communicator:",
            args.communicator,
            flush=True,
        )

    model = L.Classifier(MLP(args.unit, 10))
    if device >= 0:
        chainer.cuda.get_device_from_id(device).use()
        model.to_gpu()
    optimizer = chainermn.create_multi_node_optimizer(chainer.optimizers.Adam(), comm)
    optimizer.setup(model)

    train, test = chainer.datasets.get_mnist() if comm.rank == 0 else (None, None)
    train = chainermn.scatter_dataset(train, comm, shuffle=True)
    test = chainermn.scatter_dataset(test, comm, shuffle=True)
    train_iter = chainer.iterators.SerialIterator(train, args.batchsize)
    test_iter = chainer.iterators.SerialIterator(test, args.batchsize, repeat=False, shuffle=False)

    updater = training.StandardUpdater(train_iter, optimizer, device=device)
    trainer = training.Trainer(updater, (args.epoch, "epoch"), out=args.out)
    evaluator = extensions.Evaluator(test_iter, model, device=device)
    trainer.extend(chainermn.create_multi_node_evaluator(evaluator, comm))
    if comm.rank == 0:
        trainer.extend(extensions.LogReport())
        columns = ["epoch", "main/loss", "validation/main/loss", "main/accuracy", "validation/main/accuracy"]
        trainer.extend(extensions.PrintReport([*columns, "elapsed_time"]))
    trainer.run()
    if comm.rank == 0:
        Path(args.out).mkdir(parents=True, exist_ok=True)
        chainer.serializers.save_npz(str(Path(args.out) / "model.npz"), model.predictor)


if __name__ == "__main__":
    main()
