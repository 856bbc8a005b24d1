"""Objects in a bucket: a model of 100 MB, and one of 100 files of 10 kB, up and down.

    python -m benchmarks.bucket [--quick]

A client of this machine registers them and downloads them again, when the server's folder has lost them. Beside it, in
turns, obstore alone with the same S3 server, rclone's: files into objects and back, the small ones 32 at a time, with
nothing digested, recorded or brought to the disk.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import obstore
from obstore.store import S3Store

from benchmarks.ground import median, workspace
from benchmarks.rows import Row, at_most, command
from faena import Model, Workspace
from faena.testing import s3
from faena.workspaces import objects_place

RATIO = 1.5
_AT_ONCE = 32


def measure(quick: bool = False) -> list[Row]:
    rows = []
    with workspace() as ws, s3.running(ws.folder.parent / "s3") as server:
        os.environ |= {"AWS_ACCESS_KEY_ID": s3.KEY, "AWS_SECRET_ACCESS_KEY": s3.SECRET}
        objects_place.choose(ws.files.path, objects_place.Place(server.address))
        plain = S3Store(
            s3.BUCKET,
            prefix="plain",
            endpoint=server.endpoint,
            region="eu-west-1",
            client_options={"allow_http": True, "timeout": timedelta(minutes=10)},
        )
        for name, count, size in (("100 MB", 1, 10**8), ("100 files of 10 kB", 100, 10**4)):
            turns = [
                _turn(ws, plain, ws.folder.parent / "files", count, size) for _ in range(2 if quick else 5)
            ]
            for direction, ours, theirs in (("up", 0, 1), ("down", 2, 3)):
                found = [(turn[ours], turn[theirs]) for turn in turns]
                ratios = sorted(mine / other for mine, other in found)
                rows.append(
                    at_most(
                        f"objects in a bucket: {name}, {direction}",
                        median([mine for mine, _ in found]) * 1000,
                        RATIO * median([other for _, other in found]) * 1000,
                        "ms",
                        judged=median(ratios) * median([other for _, other in found]) * 1000,
                        rival="obstore alone",
                        rival_value=median([other for _, other in found]) * 1000,
                        note=f"ratio of each turn {ratios[0]:.2g} to {ratios[-1]:.2g}",
                    )
                )
    return rows


def _turn(ws: Workspace, plain: Any, folder: Path, count: int, size: int) -> list[float]:
    """Seconds: registered, put by obstore; downloaded, fetched by obstore."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = [folder / str(number) for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(size))
    os.sync()
    given = folder if count > 1 else paths[0]
    back, plainly = folder.with_name("back"), folder.with_name("plain")

    def register() -> None:
        with redirect_stdout(StringIO()):
            Model.register(ws, model_path=str(given), model_name="net")

    def put(path: Path) -> None:
        obstore.put(plain, path.name, path)

    def fetch(path: Path) -> None:
        with (plainly / path.name).open("wb") as file:
            file.writelines(obstore.get(plain, path.name).stream())

    times = [_timed(register), _timed(lambda: _each(put, paths))]
    for objects in (ws.files.path / "objects").glob("??"):
        shutil.rmtree(objects)
    plainly.mkdir()
    times += [
        _timed(lambda: Model(ws, "net").download(str(back))),
        _timed(lambda: _each(fetch, paths)),
    ]
    shutil.rmtree(back)
    shutil.rmtree(plainly)
    return times


def _each(work: Callable[[Path], None], paths: list[Path]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(work, paths))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    command("Objects in a bucket", measure)
