"""Numbers of bytes as options of commands."""

from __future__ import annotations

import rich_click as click

from faena.kernel import sizes


class Bytes(click.ParamType[int]):
    """`20GB`, `500 MB`, `1.5TB`: powers of 1000."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return sizes.parsed(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
