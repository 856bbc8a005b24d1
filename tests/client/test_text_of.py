"""Files of packages in the encodings that editors and shells write."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from faena import CondaDependencies, Environment
from faena.kernel.errors import UserErrorException

TEXT = "# größe\r\nsix==1.16.0  # ☃\r\nnumpy\r\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.replace("\r\n", "\n").encode(),
        b"# -*- coding: latin-1 -*-\r\n" + TEXT.replace("☃", "ß").encode("latin-1"),
        b"six==1.16.0\\\r\n\r\nnumpy",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_a_requirements_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.txt").write_bytes(data)
    asked = Environment.from_pip_requirements("mine", tmp_path / "r.txt").request()
    assert asked.packages == ("six==1.16.0", "numpy")


def test_a_conda_file_of_powershell(tmp_path: Path) -> None:
    lines = [
        "name: a",
        "dependencies:",
        "  - python=3.9",
        "  - pip:",
        "    - -r r.txt",
        "prefix: F:\\envs\\a",
        "",
    ]
    text = "\r\n".join(lines)
    (tmp_path / "e.yml").write_bytes(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
    (tmp_path / "r.txt").write_bytes(codecs.BOM_UTF16_LE + "six\r\n".encode("utf-16-le"))
    made = CondaDependencies(tmp_path / "e.yml")
    assert (list(made.conda_packages), list(made.pip_packages)) == (["python=3.9"], ["six"])


@pytest.mark.parametrize(
    "data",
    [b"six\n\xff", codecs.BOM_UTF16_LE + b"s", b"# coding: zlib\nsix\xff", b"# coding: latin-1x\n\xff"],
    ids=repr,
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "r.txt").write_bytes(data)
    with pytest.raises(UserErrorException, match=r"r\.txt cannot be read.*Save it as UTF-8"):
        Environment.from_pip_requirements("mine", tmp_path / "r.txt")


def test_other_forms_of_conda_files(tmp_path: Path) -> None:
    file = tmp_path / "e.yml"
    file.write_text("# platform: linux-64\n_libgcc_mutex=0.1=main\nsix=1.16.0=pyhd3eb1b0_1\n")
    assert list(CondaDependencies(file).conda_packages) == [
        "_libgcc_mutex=0.1=main",
        "six=1.16.0=pyhd3eb1b0_1",
    ]
    file.write_text(
        "channels: [nodefaults]\ndependencies:\n  - six\n  - pip:\nvariables:\n  A: 1\n  B: two\n"
    )
    made = CondaDependencies(file)
    assert (list(made.conda_packages), made.variables) == (["six"], {"A": "1", "B": "two"})
    file.write_text("dependencies:\n")
    assert list(CondaDependencies(file).conda_packages) == []
    file.write_text("@EXPLICIT\nhttps://host/pkgs/six-1.16.0-0.conda\n")
    with pytest.raises(UserErrorException, match="@EXPLICIT"):
        CondaDependencies(file)


def test_variables_of_a_conda_file_reach_the_script(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("dependencies: [six]\nvariables: {A: from the file, B: 2}\n")
    made = Environment.from_conda_specification("mine", tmp_path / "e.yml")
    made.environment_variables["A"] = "said"
    assert made.variables() == {"A": "said", "B": "2"}
