"""What the addresses of lists ask for."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter

Start = Annotated[int, Parameter(query="from", ge=0, le=10_000_000)]
"""The place of the first row."""
Text = Annotated[str, Parameter(query="q", max_length=200)]
"""A part of names."""
Axis = Annotated[str, Parameter(query="axis", max_length=40)]
Search = Annotated[str, Parameter(query="metrics", max_length=2_000)]
"""How the charts of a page are drawn: kept in its address by its script."""
