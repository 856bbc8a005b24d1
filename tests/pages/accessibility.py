"""What axe says of a page: the rules of WCAG that a program can check, contrast and labels among them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from playwright.sync_api import Page

_ASKED = """
    async (only) => {
      const options = only.length ? { runOnly: { type: "rule", values: only } } : {};
      const found = await axe.run(document, { ...options, resultTypes: ["violations"], preload: false });
      return found.violations
        .filter(({ impact }) => ["serious", "critical"].includes(impact))
        .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ""}`));
    }
"""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


def violations(page: Page, *only: str) -> list[str]:
    """Serious and critical ones; of all rules, or `only` of these."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_ASKED, list(only))
    return found
