"""CSV files and their evils."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from faena.client.data.dataset import Dataset, DataType, PromoteHeadersBehavior
from faena.kernel.errors import NotFound, UserErrorException
from faena.script.tabular import blocks
from tests.examples import long_form
from tests.tabular.conftest import Made, rows, types


class TestTypes:
    def test_are_those_of_the_first_rows(self, csv: Made) -> None:
        made = csv(
            "whole,number,code,truth,day,time,words,none\n"
            "1,0.5,00123,True,2019-05-31,2019-05-31T23:59:59.5,a,\n"
            "-2,1e3,00007,FALSE,2019-06-01,2019-06-01 00:00:00,NA,\n"
        )
        assert types(made) == {
            "whole": "int64",
            "number": "float64",
            "code": "object",
            "truth": "bool",
            "day": "datetime64[ns]",
            "time": "datetime64[ns]",
            "words": "object",
            "none": "object",
        }
        first, second = rows(made)
        assert first[:4] == (1, 0.5, "00123", True)
        assert first[5] == datetime(2019, 5, 31, 23, 59, 59, 500000)
        assert second[6:] == ("NA", None)

    def test_dates_of_one_format_are_dates_and_of_two_are_text(self, csv: Made) -> None:
        made = csv("day,either\n31/05/2019,01/02/2019\n01/06/2019,03/04/2019\n")
        assert types(made) == {"day": "datetime64[ns]", "either": "object"}
        assert rows(made)[0] == (datetime(2019, 5, 31), "01/02/2019")

    def test_zones_are_brought_to_utc(self, csv: Made) -> None:
        made = csv("t\n2019-05-31T12:00:00+02:00\n2019-05-31T12:00:00Z\n2019-05-31T12:00:00\n")
        assert [each[0].hour for each in rows(made)] == [10, 12, 12]

    def test_whole_numbers_beside_nulls_are_floats_unless_they_would_be_rounded(self, csv: Made) -> None:
        assert rows(csv("n,m\n1,1\n,2\n")) == [(1.0, 1), (None, 2)]
        made = csv("n,m\n9007199254740993,1\n,2\n")
        assert rows(made) == [("9007199254740993", 1), (None, 2)]

    def test_numbers_beyond_64_bits_stay_as_they_are_written(self, csv: Made) -> None:
        assert rows(csv("n\n9223372036854775808\n")) == [("9223372036854775808",)]
        assert rows(csv("n\n18446744073709551616\n1\n")) == [("18446744073709551616",), ("1",)]

    @pytest.mark.few(5)
    @pytest.mark.parametrize("late", [1, 300])
    @pytest.mark.parametrize(
        "ids", [("9" * 20, "9" * 19 + "8"), ("18446744073709551615", "2"), ("00123", "9" * 20)]
    )
    @pytest.mark.parametrize("first", ["1", "1.5", "1e300"])
    def test_ids_of_more_than_64_bits_are_never_rounded(
        self, csv: Made, first: str, ids: tuple[str, str], late: int
    ) -> None:
        """Nor do they lose their zeros where pandas makes Python's numbers of them."""
        found = rows(csv("n\n" + f"{first}\n" * late + "\n".join(ids)))
        assert [row[0] for row in found[late - 1 :]] == [first, *ids]

    @pytest.mark.parametrize("said", [None, {"n": DataType.to_long()}])
    def test_whole_numbers_are_exact_beside_quoted_codes(
        self, csv: Made, said: dict[str, DataType] | None
    ) -> None:
        """Where pandas is told to read them as texts first."""
        made = csv(
            'n,t\n9007199254740993,"007"\n9223372036854775807,"08"\n',
            support_multi_line=True,
            set_column_types=said,
        )
        assert [row[0] for row in rows(made)] == [9007199254740993, 9223372036854775807]

    @pytest.mark.parametrize("other", ["", "x", "1.5", "1.0"])
    def test_said_whole_numbers_that_would_be_rounded_are_text(
        self, csv: Made, capsys: pytest.CaptureFixture[str], other: str
    ) -> None:
        said = {"n": DataType.to_long()}
        made = csv(f"m,n\n1,9223372036854775807\n1,{other}\n", set_column_types=said)
        assert [row[1] for row in rows(made)] == ["9223372036854775807", other or None]
        assert "line 2: '9223372036854775807' in the column 'n' would be rounded" in capsys.readouterr().err
        assert rows(csv(f"m,n\n1,{2**52}\n1,x\n", set_column_types=said))[0][1] == 2**52

    def test_numbers_that_are_not_whole_stay_numbers(self, csv: Made) -> None:
        content = "n\n1.5\n" + "1.5\n" * 300 + "99999999999999999999.5\n-1e300\ninf\n"
        assert rows(csv(content))[-3:] == [(1e20,), (-1e300,), (float("inf"),)]
        said = {"n": DataType.to_float()}
        assert rows(csv(content + "9" * 20, set_column_types=said))[-1] == (1e20,)

    @pytest.mark.parametrize("late", [1, 300])
    @pytest.mark.parametrize(
        ("first", "value"),
        [
            ("2020-01-01", "2020-02-30"),
            ("2020-01-01", "2021-02-29"),
            ("2020-01-01T00:00:00", "2020-01-01T25:00:00"),
            ("2020-01-01T00:00+02:00", "2020-01-01T22:00+25:00"),
        ],
    )
    def test_dates_that_do_not_exist_make_the_column_text(
        self, csv: Made, first: str, value: str, late: int
    ) -> None:
        made = csv("d\n" + f"{first}\n" * late + f"{value}\n9999-12-31\n")
        assert [row[0] for row in rows(made)[late - 1 :]] == [first, value, "9999-12-31"]

    @pytest.mark.parametrize("late", [0, 300])
    def test_nulls_beside_them_are_nulls(self, csv: Made, late: int) -> None:
        """Pandas leaves empty texts there."""
        made = csv("n,m\n" + "x,1\n" * late + "99999999999999999999,1\n,2\nabc,3\n")
        assert rows(made)[late:] == [("99999999999999999999", 1), (None, 2), ("abc", 3)]

    def test_not_inferred_they_are_text(self, csv: Made) -> None:
        assert rows(csv("a,b\n1,True\n", infer_column_types=False)) == [("1", "True")]
        assert rows(csv("a,b\n1,True\n", infer_column_types=False, validate=False)) == [("1", "True")]
        with pytest.raises(UserErrorException, match="infer_column_types=False"):
            csv("a\n1\n", validate=False)

    def test_said_ones_are_taken_and_what_does_not_fit_is_null(self, csv: Made) -> None:
        content = "code;price;day;n;t\n007;1,5;31.05.2019;1;1\n008;x;2019;1.5;no\n"
        said = {
            "code": DataType.to_string(),
            "price": DataType.to_float(decimal_mark=","),
            "day": DataType.to_datetime("%d.%m.%Y"),
            "n": DataType.to_long(),
            "t": DataType.to_bool(),
        }
        made = csv(content, separator=";", set_column_types=said)
        assert rows(made) == [("007", 1.5, datetime(2019, 5, 31), 1, True), ("008", None, None, None, None)]
        with pytest.raises(
            UserErrorException, match=r"a\.csv, line 3: 'x' in the column 'price' is no number"
        ):
            made.to_pandas_dataframe(on_error="fail")

    def test_dates_that_pandas_cannot_hold(self, csv: Made) -> None:
        made = csv("d\n2019-01-01\n9999-12-31\n0000-02-29\n")
        assert rows(made) == [(datetime(2019, 1, 1),), (None,), (None,)]
        with pytest.raises(UserErrorException, match="9999-12-31"):
            made.to_pandas_dataframe(out_of_range_datetime="fail")

    @pytest.mark.parametrize("said", [{"a": "string"}, {"a": DataType}, {"b": DataType.to_string()}])
    def test_said_ones_that_cannot_be(self, csv: Made, said: dict[str, DataType]) -> None:
        with pytest.raises(UserErrorException, match="set_column_types"):
            csv("a\n1\n", set_column_types=said)


class TestLaterRows:
    """Blocks are small here, so that a few hundred rows are many of them."""

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "SIZE", 600)
        monkeypatch.setattr("faena.script.tabular.delimited._WIDE", 1)

    @pytest.mark.parametrize(
        ("value", "first"),
        [("x17", "0"), ("1.5", "0"), ("99999999999999999999", "0"), ("True", "0")],
    )
    def test_what_does_not_fit_makes_the_column_text_and_is_said_once(
        self, csv: Made, capsys: pytest.CaptureFixture[str], value: str, first: str
    ) -> None:
        lines = [f"{n},{n / 2}" for n in range(500)]
        lines[450] = f"{value},1"
        made = csv("n,half\n" + "\n".join(lines))
        for _ in range(2):
            found = rows(made)
            assert (found[0], found[450], found[499]) == ((first, 0.0), (value, 1.0), ("499", 249.5))
        told = capsys.readouterr().err
        assert told.count("a.csv, line 452:") == 1
        assert told.count("set_column_types") == 1
        with pytest.raises(UserErrorException, match="line 452"):
            csv("n,half\n" + "\n".join(lines)).to_pandas_dataframe(on_error="fail")

    @pytest.mark.few(3)
    @pytest.mark.parametrize(
        "value", ["007", "-007", '"007"', " 007", "00"], ids=["plain", "signed", "quoted", "spaced", "zero"]
    )
    @pytest.mark.parametrize("first", ["1", "1.5"])
    def test_leading_zeros_make_the_column_text(
        self, csv: Made, capsys: pytest.CaptureFixture[str], value: str, first: str
    ) -> None:
        """Pandas would read the number 7."""
        lines = [f"{first},00{n},{n}" for n in range(500)]  # the middle one is text from the start
        lines[450] = f"{value},x,1"
        found = rows(csv("n,code,m\n" + "\n".join(lines)))
        assert (found[0], found[450][0]) == ((first, "000", 0), value.strip('"'))
        told = capsys.readouterr().err
        assert "a.csv, line 452: " + repr(value.strip('"')) in told
        assert told.count("set_column_types") == 1

    @pytest.mark.long
    @pytest.mark.parametrize("rest", [long_form(""), long_form(',"x, 008"'), ',"08:15"'])
    def test_zeros_elsewhere_change_no_numbers(self, csv: Made, rest: str) -> None:
        """Also where thousands of texts begin with zeros, and where quotes hold separators."""
        lines = "".join(f"0{n % 10}.05.2019,{n}.05,{n * 100}{rest or ',00'}\n" for n in range(3000))
        found = types(csv("day,x,n,t\n" + lines))
        assert (found["x"], found["n"]) == ("float64", "int64")

    def test_leading_zeros_in_records_of_several_lines(self, csv: Made) -> None:
        lines = "".join(f'"a\n{n}",{n},1\n' for n in range(1, 500)) + '"a\nb",007,1\n'
        assert rows(csv("t,n,m\n" + lines, support_multi_line=True))[-1] == ("a\nb", "007", 1)

    def test_what_is_told_is_what_the_file_has(self, csv: Made, capsys: pytest.CaptureFixture[str]) -> None:
        """Beside nulls pandas makes floats of whole numbers, which rounds this one."""
        rows(csv("n,m\n" + "1,1\n" * 300 + "9007199254740993,1\n,1\n"))
        assert "'9007199254740993'" in capsys.readouterr().err

    @pytest.mark.long
    def test_all_columns_that_give_way_are_found_in_one_go(
        self, csv: Made, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passes: list[int] = []
        real = blocks.blocks

        def counted(*given: Any) -> Iterator[bytes]:
            passes.append(1)
            return real(*given)

        monkeypatch.setattr(blocks, "blocks", counted)
        width = 40
        lines = [["1"] * width for _ in range(1000)]
        for column in range(width):
            lines[300 + 10 * column][column] = "x"
        made = csv(",".join(f"c{n}" for n in range(width)) + "\n" + "\n".join(map(",".join, lines)))
        del passes[:]
        found = rows(made)
        assert all(found[300 + 10 * column][column] == "x" for column in range(width))
        assert found[0][0] == "1"
        assert len(passes) == 2 * 2  # a look at the header each time

    def test_texts_that_look_like_numbers_in_one_block_stay_texts(self, csv: Made) -> None:
        lines = [("x" if n < 250 else f"00{n}") for n in range(500)]
        assert [row[0] for row in rows(csv("c\n" + "\n".join(lines)))] == lines

    def test_a_take_does_not_read_on(self, csv: Made) -> None:
        made = csv("n\n" + "".join(f"{n}\n" for n in range(1000)) + "a,b,c\n")
        assert rows(made.take(3)) == [(0,), (1,), (2,)]

    def test_chunks_are_of_one_schema(self, csv: Made) -> None:
        made = csv("n\n" + "".join(f"{n}\n" for n in range(1000)) + "x\n")
        with pytest.raises(UserErrorException, match="line 1002"):
            list(made.to_pandas_chunks())
        chunks = list(made.to_pandas_chunks())
        assert len(chunks) > 3
        assert len({str(chunk["n"].dtype) for chunk in chunks}) == 1
        assert sum(map(len, chunks)) == 1001

    def test_the_line_of_a_row_with_too_many_fields(self, csv: Made) -> None:
        made = csv("a,b\n" + "".join(f"{n},1\n" for n in range(1000)) + "1,2,3\n")
        with pytest.raises(
            UserErrorException, match=r"a\.csv, line 1002: 3 fields, where the table has 2 columns"
        ):
            made.to_pandas_dataframe()


class TestRows:
    def test_missing_fields_are_null(self, csv: Made) -> None:
        assert rows(csv("a,b,c\n1\n1,2\n1,2,3\n")) == [(1, None, None), (1, 2.0, None), (1, 2.0, 3.0)]

    @pytest.mark.parametrize("line", [2, 3, 4])
    def test_extra_ones_are_an_error_that_names_the_line(self, csv: Made, line: int) -> None:
        lines = ["a,b", "1,2", "1,2", "1,2", "1,2"]
        lines[line - 1] = "1,2,3"
        with pytest.raises(UserErrorException, match=rf"a\.csv, line {line}: 3 fields"):
            csv("\n".join(lines)).to_pandas_dataframe()

    @pytest.mark.parametrize("first", [0, 1, 7])
    def test_so_they_are_where_all_rows_have_them(self, csv: Made, first: int) -> None:
        """Pandas would take the first column for an index."""
        with pytest.raises(UserErrorException, match=r"a\.csv, line 2: 3 fields"):
            csv("a,b\n" + "".join(f"{first + 2 * n},{n},\n" for n in range(9)))
        with pytest.raises(UserErrorException, match=r"a\.csv, line 3: 3 fields"):
            csv('a,b\n\n"0\n0",1,\n', support_multi_line=True)

    def test_blank_lines_are_no_rows(self, csv: Made) -> None:
        assert rows(csv("a,b\r\n\r\n1,2\r\n\r\n\r\n3,4\r\n\r\n")) == [(1, 2), (3, 4)]
        assert rows(csv("\n\na,b\n\n1,2\n  \n3,4\n\n")) == [(1, 2), (3, 4)]

    def test_old_macs_line_breaks(self, csv: Made) -> None:
        assert rows(csv("a,b\r1,2\r3,4\r")) == [(1, 2), (3, 4)]

    def test_quotes(self, csv: Made) -> None:
        made = csv('a,b\n"x, y","say ""hi"""\n5" pipe,"z"\n')
        assert rows(made) == [("x, y", 'say "hi"'), ('5" pipe', "z")]

    def test_a_line_break_ends_the_record_also_in_quotes_unless_told(self, csv: Made) -> None:
        content = 'a,b\n1,"x\ny"\n2,z\n'
        assert rows(csv(content)) == [("1", "x"), ('y"', None), ("2", "z")]
        assert rows(csv(content, support_multi_line=True)) == [(1, "x\ny"), (2, "z")]
        assert rows(csv(content.replace("\n", "\r\n")))[:2] == [("1", "x"), ('y"', None)]

    @pytest.mark.parametrize("before", [0, 1, 300])
    def test_a_quoted_field_that_a_line_break_cuts_is_told_once(
        self, csv: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, before: int
    ) -> None:
        monkeypatch.setattr(blocks, "SIZE", 600)
        monkeypatch.setattr("faena.script.tabular.delimited._WIDE", 1)
        content = "t,n\n" * (before > 0) + "x,1\n" * (before - 1) + '2,"never closed\n3,"x\n4,y\n'
        made = csv(content, header=before > 0)
        assert [row[1] for row in rows(made)[-3:]] == ["never closed", "x", "y"]
        told = capsys.readouterr().err
        assert f"a.csv, line {before + 1}: a quote is opened here" in told
        assert told.count("support_multi_line=True") == 1
        rows(csv('a,b\n1,"x"\n2,"y, ""z"\n\n5" pipe,3\n'))
        rows(csv('a,b\n1,"x\ny"\n', support_multi_line=True))
        assert capsys.readouterr().err == ""

    def test_one_in_the_header_too(self, csv: Made, capsys: pytest.CaptureFixture[str]) -> None:
        assert list(csv('id,"na\nme"\n1,2\n').to_pandas_dataframe().columns) == ["id", "na"]
        assert "a.csv, line 1: a quote is opened here" in capsys.readouterr().err

    def test_a_carriage_return_in_front_of_a_quote(self, csv: Made) -> None:
        """For pandas it ends the record."""
        with pytest.raises(UserErrorException, match=r"a\.csv, line 2: .* carriage return"):
            csv('a,b\n1,x\r"y\n2,z\n').to_pandas_dataframe()

    def test_records_of_several_lines_across_blocks(self, csv: Made, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "SIZE", 100)
        monkeypatch.setattr("faena.script.tabular.delimited._WIDE", 1)
        lines = [(n, f'{n}\n"quoted", and\n\nmore of it') for n in range(200)]
        content = "n,t\n" + "".join('{},"{}"\n'.format(n, t.replace('"', '""')) for n, t in lines)
        assert rows(csv(content, support_multi_line=True)) == lines

    def test_a_quote_that_is_never_closed(self, csv: Made) -> None:
        made = csv('a,b\n1,2\n3,"x\n4,5\n', support_multi_line=True, infer_column_types=False)
        with pytest.raises(UserErrorException, match=r"a\.csv, line 3: a quote is opened here"):
            made.to_pandas_dataframe()

    def test_empty_fields_are_null_or_text(self, csv: Made) -> None:
        content = "a,b,n\nx,,1\n,y,\n"
        assert rows(csv(content)) == [("x", None, 1), (None, "y", None)]
        assert rows(csv(content, empty_as_string=True)) == [("x", "", 1), ("", "y", None)]

    def test_a_row_behind_the_last_line_break(self, csv: Made) -> None:
        assert rows(csv("a\n1\n2")) == [(1,), (2,)]

    def test_separators(self, csv: Made) -> None:
        assert rows(csv("a;b\n1,5;2\n", separator=";")) == [("1,5", 2)]
        assert rows(csv("a\tb\nx y\t2\n", separator="\t")) == [("x y", 2)]
        for separator in ("", "||", "§", '"', "\r"):
            with pytest.raises(UserErrorException, match="separator"):
                csv("a\n", separator=separator)

    def test_lines_may_be_the_only_fields(self, csv: Made) -> None:
        made = csv('{"data": [1, 2]}\n[3;\t4]\n', separator="\n", header=PromoteHeadersBehavior.NO_HEADERS)
        assert rows(made) == [('{"data": [1, 2]}',), ("[3;\t4]",)]


class TestEncodings:
    TEXT = "name,n\nMüller,1\nÉté,2\n"

    @pytest.mark.parametrize(
        ("encoding", "python"),
        [
            ("utf8", "utf-8"),
            ("utf8", "utf-8-sig"),
            ("utf8bom", "utf-8-sig"),
            ("utf8bom", "utf-8"),
            ("iso88591", "latin-1"),
            ("latin1", "latin-1"),
            ("utf16", "utf-16"),
            ("utf16", "utf-16-le"),
            ("utf16", "utf-16-be"),
            ("utf32", "utf-32"),
            ("utf32", "utf-32-be"),
            ("windows1252", "cp1252"),
        ],
    )
    def test_each(self, csv: Made, encoding: str, python: str) -> None:
        made = csv(self.TEXT.encode(python), encoding=encoding)
        assert list(made.to_pandas_dataframe().columns) == ["name", "n"]
        assert rows(made) == [("Müller", 1), ("Été", 2)]

    def test_one_that_is_not_known(self, csv: Made) -> None:
        with pytest.raises(UserErrorException, match="windows1252"):
            csv("a\n", encoding="klingon")

    def test_bytes_that_are_none(self, csv: Made) -> None:
        with pytest.raises(UserErrorException, match=r"a\.csv, line 2: the byte 0xfc is no UTF-8"):
            csv(self.TEXT.encode("latin-1"))
        made = csv(b"a\n" + b"x\n" * 300 + b"\xff\n", validate=False, infer_column_types=False)
        with pytest.raises(UserErrorException, match="line 302"):
            made.to_pandas_dataframe()
        with pytest.raises(UserErrorException, match="ascii"):
            csv(self.TEXT.encode(), encoding="ascii")

    def test_a_mark_of_another_one(self, csv: Made) -> None:
        with pytest.raises(UserErrorException, match="encoding='utf16'"):
            csv(self.TEXT.encode("utf-16"))

    def test_what_is_no_text(self, csv: Made, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException, match=r"a\.csv, line 1: a NUL byte"):
            csv(b"\x01\x02\x03\x04\0\0\0\n")
        with pytest.raises(UserErrorException, match="line 3: a NUL byte"):
            csv(b"a,b\n1,2\n1,\x00\n")


class TestFiles:
    @pytest.mark.parametrize(
        "pack",
        [gzip.compress, bz2.compress, lzma.compress, lambda data: zipped({"a.csv": data})],
        ids=["gzip", "bzip2", "xz", "zip"],
    )
    def test_packed_ones_are_unpacked(self, csv: Made, pack: Callable[[bytes], bytes]) -> None:
        content = b"n,t\n" + b"".join(b"%d,x\n" % n for n in range(5000))
        whole = pack(content)
        assert rows(csv(whole))[-1] == (4999, "x")
        if not whole.startswith(b"PK"):
            with pytest.raises(UserErrorException, match=r"a\.csv is packed and cannot be unpacked"):
                csv(whole[:-20]).to_pandas_dataframe()

    def test_an_archive_of_several(self, csv: Made) -> None:
        with pytest.raises(UserErrorException, match="zip archive of 2 files"):
            csv(zipped({"a.csv": b"n\n1\n", "b.csv": b"n\n1\n"}))
        with pytest.raises(UserErrorException, match=r"a\.csv is a workbook of Excel"):
            csv(zipped({"xl/workbook.xml": b"", "b.xml": b""}))

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"\x28\xb5\x2f\xfd\x04\0\x41", "packed by zstd"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "workbook of Excel.*Save it as CSV"),
            (b"PAR1\x15\x04\0", "Parquet.*from_parquet_files"),
        ],
        ids=["zstd", "xls", "parquet"],
    )
    def test_one_of_another_kind_is_called_what_it_is(self, csv: Made, content: bytes, what: str) -> None:
        with pytest.raises(UserErrorException, match=what):
            csv(content)

    def test_one_that_changes_while_it_is_read(
        self, csv: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(blocks, "SIZE", 600)
        monkeypatch.setattr("faena.script.tabular.delimited._WIDE", 1)
        chunks = csv("n\n" + "1\n" * 3000).to_pandas_chunks()
        next(chunks)
        os.truncate(tmp_path / "a.csv", 2001)
        with pytest.raises(UserErrorException, match=r"a\.csv changed while it was read"):
            list(chunks)

    def test_one_that_is_gone(self, csv: Made, tmp_path: Path) -> None:
        made = csv("n\n1\n")
        (tmp_path / "a.csv").unlink()
        with pytest.raises(NotFound, match=r"a\.csv' on this machine any more"):
            made.to_pandas_dataframe()


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


class TestHeaders:
    def test_none(self, csv: Made) -> None:
        assert list(csv("1,2\n3,4\n", header=False).to_pandas_dataframe().columns) == ["Column1", "Column2"]

    def test_names_that_are_missing_or_there_twice(self, csv: Made) -> None:
        made = csv("a,a,,a_1\n1,2,3,4\n")
        assert list(made.to_pandas_dataframe().columns) == ["a", "a_2", "Column3", "a_1"]
        assert rows(made) == [(1, 2, 3, 4)]

    def test_a_header_alone(self, csv: Made) -> None:
        made = csv("a,b\n")
        assert list(made.to_pandas_dataframe().columns) == ["a", "b"]
        assert rows(made.take(3)) == []

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
    def test_nothing(self, csv: Made, content: bytes) -> None:
        with pytest.raises(UserErrorException, match=r"a\.csv is empty"):
            csv(content)

    def test_files_have_the_same_ones(self, csv: Made) -> None:
        made = csv({"b.csv": "x,y\n1,2\n", "a.csv": "y,x\n3,4\n", "empty.csv": ""})
        assert rows(made) == [(1, 2), (4, 3)]
        with pytest.raises(
            UserErrorException, match=r"a\.csv has other columns.*'z'.*COMBINE_ALL_FILES_HEADERS"
        ):
            csv({"b.csv": "x,y\n1,2\n", "a.csv": "x,z\n3,4\n"}).to_pandas_dataframe()

    def test_those_of_all_files_together(self, csv: Made) -> None:
        made = csv(
            {"b.csv": "x,y\n1,2\n", "a.csv": "y,z\n3,q\n"},
            header=PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS,
        )
        assert rows(made) == [(1.0, 2, None), (None, 3, "q")]

    def test_only_the_first_file_has_one(self, csv: Made) -> None:
        made = csv(
            {"b.csv": "x,y\n1,2\n", "a.csv": "3,4\n"},
            header=PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS,
        )
        assert rows(made) == [(1, 2), (3, 4)]

    def test_what_is_none(self, csv: Made) -> None:
        with pytest.raises(UserErrorException, match="PromoteHeadersBehavior"):
            csv("a\n1\n", header="yes")


class TestPaths:
    def test_a_column_of_them(self, csv: Made, tmp_path: Path) -> None:
        made = csv({"b.csv": "x\n1\n", "a.csv": "x\n2\n"}, include_path=True)
        assert rows(made) == [(str(tmp_path / "b.csv"), 1), (str(tmp_path / "a.csv"), 2)]

    def test_columns_made_of_them(self, csv: Made) -> None:
        files = {"sales/2019/05/31/data.csv": "x\n1\n", "toys/2019/06/01/data.csv": "x\n2\n"}
        made = csv(files, partition_format="/{Department}/{Day:yyyy/MM/dd}/data.csv")
        assert rows(made) == [("sales", datetime(2019, 5, 31), 1), ("toys", datetime(2019, 6, 1), 2)]
        recent = made.with_timestamp_columns(partition_timestamp="Day").time_after(datetime(2019, 6, 1))
        assert rows(recent) == [("toys", datetime(2019, 6, 1), 2)]
        with pytest.raises(UserErrorException, match=r"data\.csv' is not of the partition_format"):
            csv(files, partition_format="/{Department}/{Day:yyyy-MM-dd}/data.csv")
        with pytest.raises(UserErrorException, match="names no column"):
            csv(files, partition_format="/data.csv")


@pytest.mark.long
def test_a_table_of_ten_thousand_columns(csv: Made) -> None:
    width = 10_000
    content = ",".join(f"c{n}" for n in range(width)) + "\n" + (",".join(map(str, range(width))) + "\n") * 30
    frame = csv(content).to_pandas_dataframe()
    assert frame.shape == (30, width)
    assert frame.iloc[29, 9999] == 9999


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UserErrorException, match="There is nothing at"):
        Dataset.Tabular.from_delimited_files(str(tmp_path / "none.csv"))
