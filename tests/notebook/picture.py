"""Draws README's picture of a live view in JupyterLab: `make pictures`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from benchmarks.ground import workspace
from playwright.sync_api import expect, sync_playwright

from faena import Cluster, Estimator, Experiment
from tests.notebook.lab import run_cell, running
from tests.notebook.notebooks import cells
from tests.pages.chromium import CHROMIUM

PICTURE = Path(__file__).parents[2] / "docs/pictures/view.png"
EPOCHS = 40
expect.set_options(timeout=120_000)
SCRIPT = f"""
import random, sys, time
from faena import Run

run = Run.get_context()
random.seed(7)
print("60000 images for training, 10000 for validation")
for epoch in range(1, {EPOCHS} + 1):
    time.sleep(0.3)
    noise = random.gauss(0, 1)
    loss = 0.9 * 0.9 ** epoch + 0.06 + 0.01 * noise
    accuracy = 0.975 - 0.3 * 0.88 ** epoch - 0.003 * noise
    run.log("loss", loss)
    run.log("accuracy", accuracy)
    run.log("learning rate", 0.1 * 0.95 ** epoch)
    print(f"epoch {{epoch:2}}  loss {{loss:.4f}}  accuracy {{accuracy:.4f}}")
time.sleep(60)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, workspace() as ws, running(Path(folder, "lab")) as lab:
        source = Path(folder, "source")
        source.mkdir()
        (source / "train_mnist.py").write_text(SCRIPT)
        cluster = Cluster.create(ws, "cpu-cluster", max_nodes=2)
        estimator = Estimator(
            source,
            entry_script="train_mnist.py",
            script_params={"--epochs": EPOCHS, "--unit": 1000},
            compute_target=cluster,
            interpreter=sys.executable,
        )
        run = Experiment(ws, "chainer-mnist").submit(estimator, tags={"team": "vision"})
        file = lab.folder / "train.ipynb"
        opened = cells(ws, f"run = ws.get_run({run.id!r})\nRunDetails(run).show()")
        nbformat.write(opened, file)  # type: ignore[no-untyped-call]  # it has no types
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1180, "height": 1100})
            lab.open(page, file.name)
            run_cell(page)
            run_cell(page)
            live = page.locator(".fv-live")
            expect(live).to_contain_text(f"epoch {EPOCHS}")
            page.mouse.move(0, 0)
            page.add_style_tag(content=".Toastify { display: none }")  # JupyterLab asks about its news
            live.screenshot(path=PICTURE)
            browser.close()
        run.cancel()
    print(f"{os.path.relpath(PICTURE)}: {PICTURE.stat().st_size:,} bytes. Look at it.")


if __name__ == "__main__":
    main()
