"""Says which digits images show: a scoring script in the form of v1, for the model that chainer_mnist.py trains."""

import json

import chainer
import numpy as np
from azureml.core.model import Model
from chainer import serializers
from chainer_mnist import MLP


def init():
    """Called once in each worker, before anything is asked."""
    global model
    model = MLP()
    serializers.load_npz(Model.get_model_path("chainer-dnn-mnist"), model)


def run(data):
    """`data`: text such as {"data": [image]}, an image being 784 numbers from 0 to 1. The digits, such as [7]."""
    images = np.array(json.loads(data)["data"], dtype=np.float32).reshape(-1, 784)
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        scores = model(images)
    return np.argmax(scores.array, axis=1).tolist()
