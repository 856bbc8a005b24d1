"""The browser of the tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
"""Whether nothing is wider than the window. Charts follow its width a moment later."""
_UNSEEN = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIToolbar",
    "InitialWebUI",
)
"""What Chromium draws of itself around each window, as pages of its own: 0.9 s of CPU for each."""
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    f"--disable-features={','.join(_UNSEEN)}",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """Skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        yield opened
        opened.close()
