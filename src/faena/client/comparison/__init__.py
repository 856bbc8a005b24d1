"""What differs between two runs: `facts` asks the server, `code`, `packages` and `values` compare, `text` shows."""

from faena.client.comparison.facts import compare
from faena.client.comparison.model import SECTIONS, Change, Section
from faena.client.comparison.run_comparison import RunComparison

__all__ = ["SECTIONS", "Change", "RunComparison", "Section", "compare"]
