"""The browser of the tests of pages."""

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
"""Whether nothing is wider than the window. Charts follow its width a moment later."""
