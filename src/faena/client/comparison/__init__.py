"""What differs between two runs: `facts` asks the server, the rules of `faena.comparison` compare, `text` shows."""

from faena.client.comparison.facts import compare
from faena.client.comparison.run_comparison import RunComparison
from faena.comparison.model import SECTIONS, Change, Section

__all__ = ["SECTIONS", "Change", "RunComparison", "Section", "compare"]
