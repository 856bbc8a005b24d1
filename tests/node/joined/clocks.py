"""Wall clocks that are off, for a machine of a test: a library of C that is loaded before all others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = """
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off(void) {
    const char *path = getenv("CLOCK_OFF");
    FILE *file = path ? fopen(path, "re") : NULL;
    long found = 0;
    if (file) {
        if (fscanf(file, "%ld", &found) != 1) found = 0;
        fclose(file);
    }
    return found;
}

int clock_gettime(clockid_t which, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, which, at);
    if (!failed && which == CLOCK_REALTIME) at->tv_sec += off();
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def clock(folder: Path, off: int) -> dict[str, str]:
    """Variables of a process whose clock is off by so many seconds, or as many as it writes to the file `CLOCK_OFF`.

    Other clocks are as they are. Skips the test where nothing compiles C.
    """
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("no C compiler: apt install gcc")
    source, library, said = folder / "clock.c", folder / "clock.so", folder / "off"
    source.write_text(_SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    said.write_text(str(off))
    return {"LD_PRELOAD": str(library), "CLOCK_OFF": str(said)}
