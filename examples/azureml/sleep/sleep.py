"""Sleeps, so that there is something to cancel."""

import argparse
import time

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=10)
seconds = parser.parse_args().seconds

run = Run.get_context()
run.log("seconds", seconds)
time.sleep(seconds)
print("slept", seconds)
