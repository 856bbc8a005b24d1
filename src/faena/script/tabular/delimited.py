"""One file of delimited text: its header, and its rows as frames whose columns are numbered from 0."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from faena.script.errors import UserErrorException
from faena.script.messages import warn_once
from faena.script.tabular import blocks, misread, quoting, types
from faena.script.tabular.frames import Feed, empty, keep_freed_memory, pandas, version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping, NoReturn, Optional, Sequence

_HEADER_SIZE = 1 << 18
_WIDE = 2048
"""Bytes of a block for each column: reading a block takes time for each."""
_WORDS = ["", "nan", "NaN", "NAN"]
"""What stands for null where numbers are."""


class Rows:
    """Some rows of a file: `frame`, with a column for each field, numbered from 0."""

    def __init__(self, file: Delimited, body: _Body, frame: Any, exact: set[int]) -> None:
        self._file = file
        self._body = body
        self._exact = exact
        self.frame = frame

    def read_as_texts(self, places: set[int]) -> None:
        """Reads those columns again as the texts that they are, and all later rows likewise."""
        self._exact |= places
        self.frame = self._file.read(self._body, len(self.frame.columns), self._exact)

    def read_on_as_texts(self, places: Iterable[int]) -> None:
        """Reads all later rows of those columns as the texts that they are."""
        self._exact.update(places)

    def text(self, place: int, row: int) -> Any:
        """A field as the file has it."""
        return self._file.read(self._body, len(self.frame.columns), self._exact | {place})[place].iloc[row]

    def line(self, row: int) -> int:
        """In which line of the file a row begins."""
        return self._file.line(self._body, row)


_NONE = "\x1f"
"""For '\\n', whose lines are one field each: what no text has (ASCII's unit separator)."""


class _Body(NamedTuple):
    """A block without the header. `number` of the block, `skipped` lines of it."""

    number: int
    block: bytes
    skipped: int


class _Open(Exception):
    """A quote is not closed at the end of the block."""


class Delimited:
    """`name` is what messages call the file at `place`."""

    def __init__(self, place: str, name: str, options: Mapping[str, Any]) -> None:
        self._place = place
        self._name = name
        self._separator = str(options["separator"]).replace("\n", _NONE)
        self._mark = self._separator.encode()
        self._encoding = str(options["encoding"])
        self._multi_line = bool(options["support_multi_line"])
        self._empty_is_text = bool(options["empty_as_string"])
        self._size = _HEADER_SIZE
        self._types: Sequence[Mapping[str, Any]] = ()
        self._told = False

    def first_record(self) -> Optional[list[str]]:
        """Its fields; None for a file without any."""
        for number, block in enumerate(self._blocks()):
            end = quoting.end_of_first(block, self._mark, self._multi_line)
            if end:
                record, opened = quoting.closed_lines(block[:end], self._mark, self._multi_line)
                self._tell_of_open(_Body(number, block, 0), opened)
                text = record.decode("utf-8").lstrip("\r\n")
                try:
                    return next(csv.reader(io.StringIO(text, newline=""), delimiter=self._separator))
                except csv.Error as error:
                    self._refuse(
                        _Body(number, block, 0), 0, "the first record cannot be read: {}.".format(error)
                    )
        return None

    def rows(
        self, of: Sequence[Mapping[str, Any]], header: bool, exact: set[int], most: Optional[int] = None
    ) -> Iterator[Rows]:
        """Its rows in order. `of`: the types of the columns. `most`: not more than so many, of the first block.

        `exact`: the columns that are read as the texts that they are, whatever they look like; it grows here.
        """
        keep_freed_memory(3 * blocks.SIZE)
        self._size = min(max(blocks.SIZE, len(of) * _WIDE), blocks.LONGEST // 2)
        self._types = of
        held: Optional[_Body] = None
        for body in self._bodies(header):
            if held is not None:
                body = held._replace(block=held.block + body.block)
                if len(body.block) > blocks.LONGEST:
                    break
            try:
                yield Rows(self, body, self.read(body, len(of), exact, most), exact)
            except _Open:
                held = body
                continue
            held = None
            if most is not None:
                return
        if held is not None:
            self._refuse(
                held, quoting.opened(held.block, self._mark), "a quote is opened here and never closed."
            )

    def line(self, body: _Body, row: int) -> int:
        return self._line(body, quoting.line_of_record(body.block, self._mark, row))

    def _line(self, body: _Body, line: int) -> int:
        before = blocks.lines_before(
            self._place, self._name, self._encoding, self._size, self._multi_line, body.number
        )
        return before + body.skipped + line + 1

    def _refuse(self, body: _Body, line: int, why: str) -> NoReturn:
        raise UserErrorException("{}, line {}: {}".format(self._name, self._line(body, line), why))

    def _tell_of_open(self, body: _Body, line: Optional[int]) -> None:
        """That a line break cuts a quoted field, once a file."""
        if line is None or self._told:
            return
        self._told = True
        warn_once(
            "faena: {}, line {}: a quote is opened here and not closed in this line, where the record ends. Give "
            "support_multi_line=True if quoted fields hold line breaks; else close the quote.".format(
                self._name, self._line(body, line)
            )
        )

    def read(self, body: _Body, fields: int, exact: set[int], most: Optional[int] = None) -> Any:
        """The rows of a block as a frame. Raises UserErrorException naming the line that has too many fields."""
        block = body.block
        frame = self._parse(body, block, fields, exact, most)
        if (
            not self._multi_line
            and b'"' in block
            and (frame is None or len(frame) != quoting.line_count(block))
        ):
            block, opened = quoting.closed_lines(block, self._mark)
            if opened is not None:
                self._tell_of_open(body, opened)
                frame = self._parse(body, block, fields, exact, most)
        if frame is None:
            self._refuse(body, 0, "from here on a quote is not closed, or a carriage return is in a field.")
        again = misread.long_numbers(frame, exact, self._empty_is_text)
        exact |= again
        again = again | misread.large_numbers(frame, block, self._types, exact)
        again = again | misread.codes(block, self._mark, self._types, exact, self._multi_line)
        return self._parse(body, block, fields, exact | again, most) if again else frame

    def _parse(self, body: _Body, block: bytes, fields: int, exact: set[int], most: Optional[int]) -> Any:
        """Raises _Open where a quote is not closed; None, where a line break closes it."""
        if (
            quoting.first_fields(block, self._mark, self._multi_line) > fields
        ):  # pandas takes some for an index
            self._refuse_ragged(body, block, fields, None)
        errors = pandas().errors
        try:
            frame = pandas().read_csv(Feed(self._names_line(), block), nrows=most, **self._how(exact))
        except errors.EmptyDataError:
            return empty(list(range(fields)))
        except errors.ParserError as error:
            if "EOF inside string" in str(error):
                if self._multi_line:
                    raise _Open from None
                return None
            self._refuse_ragged(body, block, fields, error)
        frame.columns = range(fields)
        return frame

    def _names_line(self) -> bytes:
        """Pandas is told how many fields a row has by a line of names: told by `names`, versions before 2 pass over
        fields that are too many.
        """
        return self._mark.join(str(place).encode() for place in range(len(self._types))) + b"\n"

    def _refuse_ragged(self, body: _Body, block: bytes, fields: int, error: Optional[Exception]) -> NoReturn:
        found = quoting.too_many(block, self._mark, fields)
        if found is None:
            self._refuse(body, 0, "from here on it cannot be read: {}".format(error))
        line, count = found
        self._refuse(
            body,
            line,
            "{} fields, where the table has {} columns. Quote the fields that hold {!r}, or give another "
            "separator.".format(count, fields, self._separator),
        )

    def _how(self, exact: set[int]) -> dict[str, Any]:
        """What pandas is told. Columns whose type it infers itself are read fastest."""
        kinds = {str(place): of for place, of in enumerate(self._types)}
        as_texts = {str(place) for place in exact}
        nulls: Any = [""]
        if self._empty_is_text or any(of["type"] == "float" for of in self._types):
            nulls = {
                place: _WORDS if of["type"] == "float" else [""]
                for place, of in kinds.items()
                if of["type"] != "string" or not self._empty_is_text
            }
        how: dict[str, Any] = {
            "sep": self._separator,
            "dtype": dict.fromkeys(as_texts, str) or None,
            "keep_default_na": False,
            "na_values": nulls,
            "low_memory": False,
            "engine": "c",
        }
        if version() < (1, 2):
            how["float_precision"] = "high"
        if version() >= (2, 0):
            dates = [
                place
                for place, of in kinds.items()
                if of.get("formats") == [types.ISO] and place not in as_texts
            ]
            if dates:
                how["parse_dates"] = dates
                how["date_format"] = dict.fromkeys(dates, types.ISO)
        return how

    def _blocks(self) -> Iterator[bytes]:
        return blocks.blocks(self._place, self._name, self._encoding, self._size, self._multi_line)

    def _bodies(self, header: bool) -> Iterator[_Body]:
        for number, block in enumerate(self._blocks()):
            skipped = 0
            if header:
                end = quoting.end_of_first(block, self._mark, self._multi_line)
                header = not end
                skipped = block.count(b"\n", 0, end)
                block = block[end:]
            if block:
                yield _Body(number, block, skipped)
