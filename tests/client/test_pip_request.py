"""Lines of pip from every door: each option is honoured or refused by name."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from faena import CondaDependencies, Environment
from faena.client.environments import pip_file
from faena.client.environments.pip_request import PipRequest, asked
from faena.environments import archives
from faena.environments.schemas import IndexRequest
from faena.kernel import digests
from faena.kernel.errors import UserErrorException


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a state folder of its own elsewhere."""
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def written(path: Path, text: str) -> PipRequest:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return asked(pip_file.read(path))


def project(folder: Path, name: str = "mine") -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "1.0"\n')
    (folder / f"{name}.py").write_text("X = 1\n")
    return folder


class TestOptions:
    def test_each_is_taken_in_each_of_its_spellings(self, place: Path) -> None:
        (place / "wheels").mkdir()
        found = written(
            place / "r.txt",
            "# ours\n"
            "--index-url https://first/simple\n"
            "-i https://second/simple  # the last one counts\n"
            "--extra-index-url=https://extra/simple\n"
            "-f wheels\n"
            "--find-links https://host/page.html\n"
            "--pre\n"
            "--no-binary :none:,six --only-binary numpy,scipy\n"
            "--trusted-host 'host:8080'\n"
            "--prefer-binary\n"
            "six==1.16.0; \\\n  python_version >= '3.8'\n"
            "\n",
        )
        options = found.options
        assert found.packages == ["six==1.16.0; python_version >= '3.8'"]
        assert found.indexes == [
            IndexRequest("https://second/simple", default=True),
            IndexRequest("https://extra/simple"),
        ]
        assert options.find_links == (str(place / "wheels"), "https://host/page.html")
        assert (options.pre, options.no_binary, options.only_binary) == (True, ("six",), ("numpy", "scipy"))
        assert options.trusted_hosts == ("host:8080",)
        assert any("--prefer-binary" in note for note in found.notes)

    @pytest.mark.parametrize(
        ("line", "named"),
        [
            ("--global-option=build", "--global-option"),
            ("six --config-settings=x", "--config-settings"),
            ("six --index-url https://host", "--index-url cannot stand behind a package"),
            ("--no-deps", "--no-deps"),
            ("-U", "-U"),
            ("--index-url", "needs a value"),
            ("-r 'never closed", "quotation mark"),
            ("--hash=sha256:00", "behind the package"),
            ("-r https://host/r.txt", "other machines are not fetched"),
            ("-r nowhere.txt", "not there.*nowhere.txt"),
            ("-c nowhere.txt", "not there.*nowhere.txt"),
            ("-f nowhere", "there is no nowhere"),
            ("-e git+https://host/x.git#egg=x", "version control"),
            ("git+https://host/x.git", "version control"),
            ("x @ git+ssh://git@host/x.git", "version control"),
            ("-e .", "no package"),
            ("./nowhere", "there is no .*nowhere"),
            ("x @ file://elsewhere/x.whl", "host elsewhere"),
            (".\\pkg", "separated by '/'"),
            ("https://[x/a-1.0.zip", "URL cannot be read"),
            ("-e file://[::1/x", "URL cannot be read"),
            ("-f ~\x00", "control character"),
            ("file:~x%00", "URL cannot be read"),
            ("six\x1b[0m", "control character"),
        ],
    )
    def test_what_cannot_be_honoured_is_refused_by_name(self, line: str, named: str) -> None:
        with pytest.raises(UserErrorException, match=named):
            asked([line])

    def test_a_list_means_what_a_file_means(self, place: Path) -> None:
        lines = ["--pre", "six", "--extra-index-url https://extra/simple"]
        made = CondaDependencies.create(pip_packages=lines)
        _, by_list = made.requested()
        assert by_list == written(place / "r.txt", "\n".join(lines))
        (place / "env.yml").write_text(f"dependencies: [pip: {lines!r}]")
        assert CondaDependencies(place / "env.yml").requested()[1] == by_list

    def test_hashes_belong_to_their_package(self, place: Path) -> None:
        one, other = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
        found = written(
            place / "r.txt", f"--require-hashes\nSix_X==1.0 \\\n    --hash={one} \\\n    --hash={other}\n"
        )
        assert found.packages == ["Six_X==1.0"]
        assert found.options.hashes == {"six-x": (one, other)}
        assert found.options.require_hashes


class TestOtherFiles:
    def test_they_are_read_beside_the_file_that_names_them(self, place: Path) -> None:
        (place / "deep" / "er").mkdir(parents=True)
        (place / "deep" / "er" / "base.txt").write_text("numpy\n-c limits.txt\n")
        (place / "deep" / "er" / "limits.txt").write_text("numpy<2  # old\n")
        (place / "deep" / "dev.txt").write_text("-rer/base.txt\npytest\n")
        found = written(place / "r.txt", "-r deep/dev.txt\nsix\n")
        assert found.packages == ["numpy", "pytest", "six"]
        assert found.options.constraints == ("numpy<2",)

    @pytest.mark.parametrize(
        "line",
        ["--no-cache-dir", "six --global-option=x", "numpy=1.19", "git+https://host/x.git", "./nowhere"],
    )
    def test_a_refusal_names_the_file_and_the_line(self, place: Path, line: str) -> None:
        (place / "base.txt").write_text(f"# first\nnumpy>=1.0,\\\n  <2\n\n{line}\n")
        with pytest.raises(UserErrorException) as caught:
            written(place / "r.txt", "six\n-r base.txt\n")
        assert caught.value.message.startswith(f"{place / 'base.txt'}, line 5: ")
        assert "r.txt, line" not in caught.value.message

    def test_a_refusal_names_the_conda_file(self, place: Path) -> None:
        (place / "env.yml").write_text("dependencies: [pip: [six, --no-cache-dir]]")
        with pytest.raises(UserErrorException, match=r"env\.yml: The line '--no-cache-dir'"):
            CondaDependencies(place / "env.yml")

    def test_a_line_that_goes_on_counts_from_its_beginning(self, place: Path) -> None:
        with pytest.raises(UserErrorException, match=r"r\.txt, line 2: "):
            written(place / "r.txt", "six\nnumpy \\\n --no-such\n")

    def test_another_encoding_can_be_named(self, place: Path) -> None:
        (place / "r.txt").write_bytes("six  # für\n".encode("latin-1"))
        with pytest.raises(UserErrorException, match=r"coding: latin-1 -\*-"):
            asked(["-r r.txt"])
        (place / "r.txt").write_bytes("# -*- coding: latin-1 -*-\nsix  # für\n".encode("latin-1"))
        assert asked(["-r r.txt"]).packages == ["six"]

    def test_files_that_name_each_other_are_refused(self, place: Path) -> None:
        (place / "a.txt").write_text("-r b.txt")
        with pytest.raises(UserErrorException, match=r"names itself.*Take -r out"):
            written(place / "b.txt", "-r a.txt")
        with pytest.raises(UserErrorException, match="the file names itself"):
            written(place / "c.txt", "six\n-c c.txt")

    def test_a_row_of_files_has_an_end(self, place: Path) -> None:
        for number in range(40):
            (place / f"{number}.txt").write_text(f"-r {number + 1}.txt")
        with pytest.raises(UserErrorException, match="in a row"):
            asked(["-r 0.txt"])

    def test_one_file_named_twice_is_no_circle(self, place: Path) -> None:
        (place / "base.txt").write_text("six")
        (place / "a.txt").write_text("-r base.txt")
        assert written(place / "r.txt", "-r a.txt\n-r base.txt").packages == ["six"]

    @pytest.mark.long
    def test_files_that_double_are_bounded(self, place: Path) -> None:
        (place / "0.txt").write_text("six\n" * 100)
        for number in range(1, 15):
            (place / f"{number}.txt").write_text(f"-r {number - 1}.txt\n" * 10)
        with pytest.raises(UserErrorException, match="more than"):
            asked(["-r 14.txt"])


class TestVariables:
    def test_a_password_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INDEX_TOKEN", "p@ss/word")
        monkeypatch.setenv("INDEX_HOST", "host:8080")
        found = asked(["--extra-index-url https://me:${INDEX_TOKEN}@${INDEX_HOST}/simple", "-i ${WHOLE}"][:1])
        assert found.indexes == [IndexRequest("https://me:p%40ss%2Fword@host:8080/simple")]

    def test_a_version_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SIX", "1.16.0")
        assert asked(["six==${SIX}"]).packages == ["six==1.16.0"]

    def test_one_that_would_be_kept_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOKEN", "s3cr3t")
        for line in ("-i https://host/${TOKEN}/simple", "x @ https://host/${TOKEN}/x-1.0.tar.gz"):
            with pytest.raises(UserErrorException, match="kept with the run") as caught:
                asked([line])
            assert "s3cr3t" not in caught.value.message

    def test_one_that_is_not_set_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOT_SET", raising=False)
        with pytest.raises(UserErrorException, match="NOT_SET is not set"):
            asked(["--index-url https://${NOT_SET}@host/simple"])

    def test_a_file_that_is_described_shows_no_value(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TOKEN", "s3cr3t")
        (place / "r.txt").write_text("-i https://${TOKEN}@host/simple\nsix")
        made = Environment.from_pip_requirements("mine", place / "r.txt")
        assert "s3cr3t" not in repr(made)
        assert made.request().index_urls[0].url == "https://s3cr3t@host/simple"


class TestPlaces:
    @pytest.mark.parametrize(
        "line",
        [
            "./pkg",
            "-e ./pkg",
            "-e pkg",
            "pkg/",
            "mine @ ./pkg",
            "--editable=./pkg",
            "file:./pkg",
            "mine @ file:pkg",
        ],
    )
    def test_a_folder_is_brought_whole(self, place: Path, line: str) -> None:
        project(place / "pkg")
        [found] = asked([line]).archives
        assert archives.is_there(found)
        with tarfile.open(archives.place(found)) as packed:
            assert sorted(packed.getnames()) == ["source/mine.py", "source/pyproject.toml"]

    def test_by_an_absolute_path_and_url(self, place: Path) -> None:
        folder = project(place / "with blank")
        by_url = asked([f"mine @ {folder.as_uri()}"]).archives
        assert [each.digest for each in by_url] == [
            each.digest for each in asked([f"-e '{folder}'"]).archives
        ]

    def test_an_unchanged_folder_is_the_same_package(self, place: Path) -> None:
        folder = project(place / "pkg")
        [first] = asked(["./pkg"]).archives
        (folder / "mine.py").touch()
        assert asked(["./pkg"]).archives == [first]
        (folder / "mine.py").write_text("X = 2\n")
        assert asked(["./pkg"]).archives != [first]

    def test_a_wheel_keeps_its_name(self, place: Path) -> None:
        wheel = place / "dist" / "mine-1.0-py3-none-any.whl"
        wheel.parent.mkdir()
        wheel.write_bytes(b"a wheel")
        [found] = asked(["dist/mine-1.0-py3-none-any.whl"]).archives
        assert (found.filename, found.digest) == (wheel.name, digests.of_file(wheel))
        with pytest.raises(UserErrorException, match=f"sha256:{found.digest}"):
            asked([f"dist/{wheel.name} --hash=sha256:{'0' * 64}"])

    def test_extras_and_markers_stay(self, place: Path) -> None:
        project(place / "pkg")
        [found] = asked(['./pkg[dev,test] ; python_version >= "3.8"']).archives
        assert (found.extras, found.marker) == (("dev", "test"), 'python_version >= "3.8"')

    def test_paths_of_a_file_are_beside_it_first(self, place: Path) -> None:
        project(place / "one" / "pkg", "near")
        project(place / "pkg", "far")
        (place / "one" / "r.txt").write_text("./pkg")
        (place / "r.txt").write_text("-r one/r.txt")
        [found] = asked(pip_file.read(place / "r.txt")).archives
        with tarfile.open(archives.place(found)) as packed:
            assert "source/near.py" in packed.getnames()

    def test_a_source_folder_is_not_left_for_the_current_one(self, place: Path) -> None:
        project(place / "pkg")
        source = place / "source"
        source.mkdir()
        with pytest.raises(UserErrorException, match="source/pkg"):
            asked(["./pkg"], (source,))

    def test_a_url_says_its_name(self) -> None:
        found = asked(
            [
                "https://host/a_b-1.0-py3-none-any.whl#sha256=00",
                "https://host/c-d-1.0.tar.gz",
                "https://host/archive.zip#egg=e",
                "https://host/nothing",
            ]
        )
        assert found.packages == [
            "a_b @ https://host/a_b-1.0-py3-none-any.whl#sha256=00",
            "c-d @ https://host/c-d-1.0.tar.gz",
            "e @ https://host/archive.zip",
            "https://host/nothing",
        ]


class TestTwice:
    def test_a_name_given_twice_means_both(self) -> None:
        for lines in (["six==1.16.0", "six"], ["six", "six==1.16.0"]):
            conda, pip = CondaDependencies.create(pip_packages=lines, conda_packages=lines).requested()
            assert (pip.packages, conda) == (lines, tuple(lines))

    def test_lines_with_opposite_markers_stay_side_by_side(self) -> None:
        lines = ['six==1.16.0 ; python_version >= "3.9"', "six==1.15.0; python_version<'3.9'"]
        made = CondaDependencies()
        for line in lines:
            made.add_pip_package(line)
        assert list(made.pip_packages) == ["azureml-defaults", *lines]
        made.add_pip_package("six==1.14.0 ;python_version < '3.9'")
        assert list(made.pip_packages) == [
            "azureml-defaults",
            lines[0],
            "six==1.14.0 ;python_version < '3.9'",
        ]
