"""A tabular dataset, in scripts and notebooks alike: nothing is read before somebody asks for rows."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from faena.script.errors import DatasetTimestampMissingError, UserErrorException
from faena.script.tabular import expressions, reading, steps
from faena.script.tabular.conversion import Wanted
from faena.script.tabular.expressions import Column
from faena.script.tabular.frames import numbered
from faena.script.tabular.known import Known
from faena.script.tabular.types import said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Mapping, Optional, Sequence, TypeVar, Union

    from faena.script.tabular.definition import Definition
    from faena.script.tabular.expressions import Expression
    from faena.script.tabular.schema import File

    Self = TypeVar("Self", bound="Table")
    T = TypeVar("T")


class Table:
    """Rows and columns of files. Each operation gives a new one."""

    def __init__(self, of: Definition, known: Optional[Known] = None) -> None:
        self._definition = of
        self._known = known or Known()

    def _files(self) -> list[File]:
        """Those on this host, in the order in which they are read."""
        raise NotImplementedError

    def _derived(self: Self, of: Definition) -> Self:
        """The same files, with other steps."""
        raise NotImplementedError

    @property
    def timestamp_columns(self) -> tuple[Optional[str], Optional[str]]:
        """The columns that time filters look at: the timestamp, and that of partitions; None where there is none."""
        fine, coarse = self._definition.timestamps
        return fine, coarse

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """All rows. Texts are objects, dates are datetime64[ns] without a zone, nulls are NaN, NaT or None.

        `on_error`: a value that is not of a type which set_column_types gave is null, or with 'fail' an error that
        names file and line. `out_of_range_datetime`: so is a date that pandas cannot hold (before 1677, after 2262).
        Raises UserErrorException for files that cannot be read.
        """
        wanted = Wanted(on_error, out_of_range_datetime)
        return self._whole(lambda frames: reading.joined(frames, self._known), wanted)

    def to_pandas_chunks(self) -> Iterator[Any]:
        """All rows, as dataframes of some ten thousand rows of one schema: for what does not fit in memory.

        Texts are of the kind that pandas has for them, whose change into objects takes as long as reading.
        Raises UserErrorException at a value that is not of its column's type; the next time it is read as text.
        """
        try:
            for frame in reading.frames(self._definition, self._files(), self._known, Wanted()):
                if len(frame):
                    yield numbered(frame)
        except reading.Widened as found:
            self._known.widened |= set(found.told)
            raise UserErrorException(
                "{} Read the chunks again: the column is text in all of them.".format(
                    " ".join(found.told.values())
                )
            ) from None

    def take(self: Self, count: int) -> Self:
        """Its first `count` rows."""
        return self._then("take", count=_count(count))

    def skip(self: Self, count: int) -> Self:
        """Without its first `count` rows."""
        return self._then("skip", count=_count(count))

    def take_sample(self: Self, probability: float, seed: Optional[int] = None) -> Self:
        """Each row with a probability between 0 and 1; the same `seed` gives the same rows."""
        return self._then("sample", probability=_share(probability), seed=_seed(seed))

    def random_split(self: Self, percentage: float, seed: Optional[int] = None) -> tuple[Self, Self]:
        """Two datasets; each row is in the first with the probability `percentage`, 0 to 1, else in the other."""
        share, seed = _share(percentage), _seed(seed)
        first = self._then("sample", probability=share, seed=seed)
        return first, self._then("sample", probability=share, seed=seed, rest=True)

    def keep_columns(self: Self, columns: Union[str, Sequence[str]], validate: bool = False) -> Self:
        """Only these columns, in this order."""
        names = _names(columns)
        self._check_columns(names, "keep_columns", validate)
        return self._derived(
            _with_timestamps(self._definition.then("keep", columns=names), lambda name: name in names)
        )

    def drop_columns(self: Self, columns: Union[str, Sequence[str]]) -> Self:
        """Without these columns."""
        names = _names(columns)
        self._check_columns(names, "drop_columns")
        return self._derived(
            _with_timestamps(self._definition.then("drop", columns=names), lambda name: name not in names)
        )

    def rename_columns(self: Self, names: Mapping[str, str]) -> Self:
        """`{'old': 'new'}`. The new ones must be names of their own."""
        given = {str(old): str(new) for old, new in names.items()}
        self._check_columns(list(given), "rename_columns")
        there = self._definition.described() or {}
        renamed = [given.get(name, name) for name in there]
        if len(set(given.values())) < len(given) or len(set(renamed)) < len(renamed):
            raise UserErrorException(
                "Two columns would have one name after {!r}. Choose others.".format(given)
            )
        made = self._definition.then("rename", names=given)
        timestamps = tuple(given.get(name, name) if name else None for name in made.timestamps)
        return self._derived(made.replaced(timestamps=timestamps))

    def with_column_types(self: Self, types: Mapping[str, Any]) -> Self:
        """Other types of columns, `{'price': DataType.to_float()}`: what does not fit is null."""
        found = said(types)
        self._check_columns(list(found), "with_column_types")
        return self._then("convert", types=found)

    def filter(self: Self, expression: Expression) -> Self:
        """The rows that fulfil a condition: `dataset.filter((dataset['age'] > 18) & (dataset['city'] == 'Bonn'))`."""
        tree = expressions.condition(expression)
        self._check_columns(sorted(expressions.columns_of(tree)), "filter")
        return self._then("where", condition=tree)

    def __getitem__(self, name: str) -> Column:
        """A column, for the conditions of `filter`."""
        if not isinstance(name, str):
            raise UserErrorException(
                "{!r} names no column. Use a text; keep_columns takes several.".format(name)
            )
        self._check_columns([name], "The dataset's [...]")
        return Column(name)

    def with_timestamp_columns(
        self: Self,
        timestamp: Optional[str] = None,
        partition_timestamp: Optional[str] = None,
        validate: bool = False,
        fine_grain_timestamp: Optional[str] = None,
        coarse_grain_timestamp: Optional[str] = None,
    ) -> Self:
        """Says which columns of dates the time filters look at. The last two are earlier names of the first two."""
        fine, coarse = timestamp or fine_grain_timestamp, partition_timestamp or coarse_grain_timestamp
        if fine is not None and fine == coarse:
            raise UserErrorException(
                "timestamp and partition_timestamp are both {!r}. Use two columns.".format(fine)
            )
        self._check_columns([name for name in (fine, coarse) if name], "with_timestamp_columns", validate)
        for name, of in (self._definition.described() or {}).items():
            if name in (fine, coarse) and of["type"] not in ("datetime", "any"):
                raise UserErrorException(
                    "The column {!r} is of the type {}, not datetime. Give set_column_types={{{!r}: "
                    "DataType.to_datetime(format)}} where the dataset is made.".format(name, of["type"], name)
                )
        return self._derived(self._definition.replaced(timestamps=(fine, coarse)))

    def time_before(self: Self, end_time: Any, include_boundary: bool = True, validate: bool = True) -> Self:
        """The rows whose timestamp is before `end_time`, or at it."""
        return self._during(None, end_time, include_boundary)

    def time_after(self: Self, start_time: Any, include_boundary: bool = True, validate: bool = True) -> Self:
        """The rows whose timestamp is after `start_time`, or at it."""
        return self._during(start_time, None, include_boundary)

    def time_between(
        self: Self, start_time: Any, end_time: Any, include_boundary: bool = True, validate: bool = True
    ) -> Self:
        """The rows whose timestamp is between the two, or at one of them."""
        return self._during(start_time, end_time, include_boundary)

    def time_recent(
        self: Self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True
    ) -> Self:
        """The rows of the last `time_delta`, counted from now (UTC)."""
        if not isinstance(time_delta, timedelta):
            raise UserErrorException(
                "time_delta is {!r}. Use a timedelta, such as timedelta(days=7).".format(time_delta)
            )
        return self._during(
            datetime.now(timezone.utc).replace(tzinfo=None) - time_delta, None, include_boundary
        )

    def _during(self: Self, start: Any, end: Any, include_boundary: bool) -> Self:
        name = next((each for each in self._definition.timestamps if each), None)
        if name is None:
            raise DatasetTimestampMissingError(
                "The dataset has no timestamp. Say which column it is: dataset.with_timestamp_columns('when')."
            )
        made = self
        for moment, signs, what in ((start, (">", ">="), "start_time"), (end, ("<", "<="), "end_time")):
            if moment is not None:
                literal = {"datetime": expressions.moment(moment, what).isoformat()}
                tree = [signs[bool(include_boundary)], ["column", name], literal]
                made = made._then("where", condition=tree)
        return made

    def _whole(self, consume: Callable[[Iterator[Any]], T], wanted: Optional[Wanted] = None) -> T:
        return reading.whole(self._definition, self._files(), self._known, consume, wanted)

    def _then(self: Self, verb: str, **arguments: Any) -> Self:
        return self._derived(self._definition.then(verb, **arguments))

    def _check_columns(self, asked: Sequence[str], what: str, look: bool = False) -> None:
        """As far as it is known which there are; with `look`, the files are asked."""
        described = self._definition.described()
        there = None if described is None else [*described, *self._known.added]
        if there is None and look:
            there = list(self.take(1)._whole(lambda frames: next(frames)).columns)
        if there is not None:
            steps.check(asked, there, what)


def _with_timestamps(of: Definition, kept: Callable[[str], bool]) -> Definition:
    """Those that are dropped are no timestamps any more."""
    return of.replaced(timestamps=tuple(name if name and kept(name) else None for name in of.timestamps))


def _names(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names or not all(isinstance(name, str) for name in names):
        raise UserErrorException("{!r} names no columns. Use a text, or a list of them.".format(given))
    return list(dict.fromkeys(names))


def _count(given: Any) -> int:
    if isinstance(given, bool) or not hasattr(given, "__index__") or int(given) < 0:
        raise UserErrorException(
            "{} is no number of rows. Use a whole number from 0 up.".format(repr(given)[:80])
        )
    return int(given)


def _share(given: Any) -> float:
    try:
        share = float(given)
    except (TypeError, ValueError):
        share = -1.0
    if isinstance(given, (bool, str)) or not 0 <= share <= 1:
        raise UserErrorException(
            "{} is no share of the rows. Use a number from 0 to 1.".format(repr(given)[:80])
        )
    return share


def _seed(given: Any) -> int:
    """One of its own where none is given: a dataset's rows are the same each time."""
    import random

    if given is None:
        return random.SystemRandom().getrandbits(32)
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise UserErrorException("{} is no seed. Use a whole number.".format(repr(given)[:80]))
    return int(given) & 0xFFFFFFFF
