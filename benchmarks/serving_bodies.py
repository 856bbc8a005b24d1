"""What endpoints are asked by benchmarks: one image of MNIST's size, as JSON and as a binary tensor."""

from __future__ import annotations

import json
import struct

IMAGE = [round(number % 256 / 255, 4) for number in range(784)]
_HEAD = json.dumps(
    {
        "inputs": [
            {
                "name": "data",
                "datatype": "FP32",
                "shape": [1, 784],
                "parameters": {"binary_data_size": 4 * 784},
            }
        ]
    }
).encode()
BINARY_HEADERS = {
    "Content-Type": "application/octet-stream",
    "Inference-Header-Content-Length": str(len(_HEAD)),
}


def binary() -> bytes:
    """In the form of the Open Inference Protocol."""
    return _HEAD + struct.pack("<784f", *IMAGE)
