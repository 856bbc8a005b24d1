"""What differs between two runs: `facts` asks the server, `code`, `packages` and `values` compare, `text` shows."""

from faena.client.comparison.facts import compare
from faena.client.comparison.model import SECTIONS, Change, RunComparison, Section

__all__ = ["SECTIONS", "Change", "RunComparison", "Section", "compare"]
