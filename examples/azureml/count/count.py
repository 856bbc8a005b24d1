"""Counts the files and bytes of a folder of data. Standard library only."""

import argparse
import os

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--data_folder", required=True, help="the data, as it is on this node")
parser.add_argument("--result_folder", help="a folder to write the count to")
arguments = parser.parse_args()

sizes = [
    os.path.getsize(os.path.join(folder, name))
    for folder, _, names in os.walk(arguments.data_folder)
    for name in names
]
run = Run.get_context()
run.log("files", len(sizes))
run.log("bytes", sum(sizes))
print("{} files, {} bytes in {}".format(len(sizes), sum(sizes), arguments.data_folder))

if arguments.result_folder:
    os.makedirs(arguments.result_folder, exist_ok=True)
    with open(os.path.join(arguments.result_folder, "count.txt"), "w") as file:
        file.write(str(len(sizes)))
