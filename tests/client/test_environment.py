"""Environments as a notebook describes, registers and builds them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from faena import Cluster, CondaDependencies, Environment, Experiment, ScriptRunConfig, Workspace
from faena.environments.schemas import EnvironmentRequest, IndexRequest
from faena.kernel.errors import EnvironmentBuildException, NotFound, UserErrorException
from tests.examples import long_form
from tests.files import holding

CONDA_FILE = """\
name: project
channels: [conda-forge, defaults]
dependencies:
  - python=3.9
  - scikit-learn=1.0
  - pip
  - pip:
      - azureml-defaults
      - six==1.16.0
      - --extra-index-url https://host/simple
"""


class TestDescription:
    def test_a_new_one_asks_for_nothing(self) -> None:
        asked = Environment("mine").request()
        assert (asked.packages, asked.conda_packages) == ((), ())
        assert asked.client_python == f"{sys.version_info.major}.{sys.version_info.minor}"

    def test_from_a_conda_file(self, tmp_path: Path) -> None:
        path = tmp_path / "env.yml"
        path.write_text(CONDA_FILE)
        asked = Environment.from_conda_specification("mine", path).request()
        assert asked.conda_packages == ("python=3.9", "scikit-learn=1.0", "pip")
        assert asked.packages == ("azureml-defaults", "six==1.16.0")
        assert asked.index_urls == (IndexRequest("https://host/simple"),)

    def test_from_a_requirements_file(self, tmp_path: Path) -> None:
        path = tmp_path / "requirements.txt"
        path.write_text("# what it needs\nsix==1.16.0  # old\n\nnumpy>=1.20,\\\n<2\n-i https://host/simple\n")
        asked = Environment.from_pip_requirements("mine", path).request()
        assert asked.packages == ("six==1.16.0", "numpy>=1.20,<2")
        assert asked.index_urls == (IndexRequest("https://host/simple", default=True),)

    def test_an_existing_interpreter_is_used_as_it_is(self) -> None:
        asked = Environment.from_existing_interpreter("mine", sys.executable).request()
        assert asked == EnvironmentRequest(interpreter=sys.executable)
        managed = Environment("mine")
        managed.python.user_managed_dependencies = True
        assert managed.request().interpreter == sys.executable

    def test_an_existing_conda_environment_is_found_by_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "miniconda3" / "envs" / "chem" / "bin" / "python3"
        program.parent.mkdir(parents=True)
        program.symlink_to(os.path.realpath(sys.executable))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert Environment.from_existing_conda_environment("mine", "chem").request().interpreter == str(
            program
        )
        with pytest.raises(UserErrorException, match=r"'phys'.*There is: .*chem"):
            Environment.from_existing_conda_environment("mine", "phys")

    def test_a_name_must_be_one(self) -> None:
        for name in ("", "a/b", "a\nb", "../x", "🐍", "x" * 10_000):
            with pytest.raises(UserErrorException, match="not a valid environment name"):
                Environment(name)

    def test_docker_is_accepted_and_said_to_be_ignored(self) -> None:
        environment = Environment("mine")
        environment.docker.enabled = True
        assert environment.ignored() == ["docker.enabled"]
        environment.docker.base_image = "image:1"
        assert environment.ignored() == ["docker.enabled", "docker.base_image"]
        assert '"base_image": "image:1"' in repr(environment)


class TestFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "!!python/object/apply:os.system ['touch hacked']",
            "dependencies: !!python/name:os.system",
            "- a list",
            "just text",
            "dependencies: numpy",
            "dependencies: [{pip: six}]",
            "dependencies: [{npm: [x]}]",
            "dependencies: [1, 2]",
            "dependencies: [[a]]",
            "dependencies: []\nchannels: {a: b}",
            "dependencies: [a\n",
            long_form("[" * 100_000),
            "\x00",
        ],
        ids=lambda text: repr(text)[:30],
    )
    def test_what_is_no_conda_file_is_named(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "env.yml"
        path.write_text(text)
        with pytest.raises(UserErrorException, match=r"env\.yml"):
            CondaDependencies(path)
        assert not Path("hacked").exists()

    def test_a_bomb_of_anchors_stays_small(self, tmp_path: Path) -> None:
        levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
        path = tmp_path / "env.yml"
        path.write_text("a0: &a0 [lol, lol]\n" + "\n".join(levels) + "\ndependencies: *a11\n")
        with pytest.raises(UserErrorException, match=r"env\.yml"):
            CondaDependencies(path)

    @pytest.mark.parametrize(
        "read", [CondaDependencies, lambda path: Environment.from_pip_requirements("e", path)]
    )
    def test_folders_devices_and_giants_are_refused(
        self, tmp_path: Path, read: type[CondaDependencies]
    ) -> None:
        giant = tmp_path / "giant"
        with giant.open("wb") as file:
            file.truncate(100 << 20)
        latin = tmp_path / "latin"
        latin.write_bytes(b"dependencies: [\xff]")
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, tmp_path / "nowhere", tmp_path / "pipe", Path("/dev/zero"), giant, latin):
            with pytest.raises(UserErrorException, match=path.name):
                read(path)


class TestCondaDependencies:
    def test_create_and_change(self) -> None:
        made = CondaDependencies.create(
            conda_packages=["numpy=1.19", "scipy"], pip_packages=["six", "Foo_Bar==1"], python_version="3.8"
        )
        made.add_conda_package("numpy=1.20")
        made.add_pip_package("foo-bar==2")
        made.remove_pip_package("six")
        made.remove_conda_package("scipy")
        made.add_channel("pytorch")
        made.set_python_version("3.9")
        made.set_pip_option("--extra-index-url https://host/simple")
        assert list(made.conda_packages) == ["python=3.9", "numpy=1.20"]
        assert list(made.pip_packages) == ["foo-bar==2"]
        assert list(made.pip_options) == ["--extra-index-url https://host/simple"]
        assert list(made.conda_channels) == ["conda-forge", "pytorch"]
        assert made.get_python_version() == "3.9"

    def test_the_file_reads_as_it_was_written(self, tmp_path: Path) -> None:
        made = CondaDependencies.create(conda_packages=["numpy"], pip_packages=["six"])
        assert made.save_to_file(tmp_path, "myenv.yml") == "myenv.yml"
        assert CondaDependencies(tmp_path / "myenv.yml") == made
        assert CondaDependencies(made.save(tmp_path)).serialize_to_string() == made.serialize_to_string()

    def test_a_text_where_a_list_is_wanted_is_named(self) -> None:
        with pytest.raises(UserErrorException, match=r"Use a list: \['six'\]"):
            CondaDependencies.create(pip_packages="six")

    @pytest.mark.parametrize("value", ["", "a\nb", None, 3])
    def test_an_entry_is_one_line_of_text(self, value: str) -> None:
        made = CondaDependencies()
        for add in (made.add_conda_package, made.add_pip_package, made.add_channel, made.set_python_version):
            with pytest.raises(UserErrorException, match="one line of text"):
                add(value)


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


class TestRegistered:
    def test_a_version_for_each_definition(self, workspace: Workspace) -> None:
        first = Environment("mine")
        first.environment_variables["A"] = "1"
        assert first.register(workspace).version == "1"
        assert first.register(workspace).version == "1"
        first.python.conda_dependencies = CondaDependencies.create(pip_packages=["six"])
        assert first.register(workspace).version == "2"
        assert Environment.get(workspace, "mine").request() == first.request()
        old = Environment.get(workspace, "mine", version="1")
        assert (old.version, old.environment_variables) == ("1", {"A": "1"})
        first.clone("other").register(workspace)
        listed = Environment.list(workspace)
        assert (listed["mine"].version, listed["other"].version) == ("2", "1")
        assert "AzureML-Chainer-5.1.0" in listed, "the curated ones, too"
        with pytest.raises(NotFound, match=r"'nope'.*mine, .*other"):
            Environment.get(workspace, "nope")
        with pytest.raises(NotFound, match="mine:7"):
            Environment.get(workspace, "mine", 7)
        with pytest.raises(UserErrorException, match="no version"):
            Environment.get(workspace, "mine", "../1")

    def test_a_password_is_not_kept(self, workspace: Workspace) -> None:
        environment = Environment("with-password")
        environment.python.conda_dependencies = CondaDependencies.create(
            pip_packages=["six"], pip_indexurl="https://reader:s3cr3t@host/simple"
        )
        environment.register(workspace)
        assert Environment.get(workspace, "with-password").request().index_urls == (
            IndexRequest("https://host/simple", default=True),
        )
        assert holding("s3cr3t", workspace.folder / ".faena") == []

    def test_what_cannot_be_used_is_refused_at_once(self, workspace: Workspace) -> None:
        environment = Environment("never")
        for package in ("six\n-e .", "--index-url https://x", "$(id)", "https://host/x.whl"):
            environment.python.conda_dependencies = CondaDependencies(
                _underlying_structure={"dependencies": [{"pip": [package]}]}
            )
            if package.startswith("--"):
                continue
            with pytest.raises(UserErrorException, match="cannot be used as a package"):
                environment.register(workspace)
        environment = Environment("never")
        environment.environment_variables["A=B"] = "1"
        with pytest.raises(UserErrorException, match="A=B"):
            environment.register(workspace)
        with pytest.raises(UserErrorException, match="curated"):
            Environment("AzureML-mine").register(workspace)

    def test_curated_names(self, workspace: Workspace) -> None:
        asked = Environment.get(workspace, "AzureML-Chainer-5.1.0-GPU").request()
        assert (asked.framework, asked.framework_version) == ("chainer", "5.1.0")
        asked = Environment.get(workspace, "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu").request()
        assert (asked.framework, asked.framework_version) == ("sklearn", "0.24.2")
        assert '"framework": {\n        "name": "sklearn",' in repr(
            Environment.get(workspace, "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu")
        )
        for name in ("AzureML-Minimal", "AzureML-minimal-ubuntu18.04-py37-cpu-inference"):
            assert Environment.get(workspace, name).request().packages == ("azureml-defaults",)
        asked = Environment.get(workspace, "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu").request()
        assert asked.packages == ("azureml-defaults", "lightgbm==3.2.*", "scikit-learn")
        asked = Environment.get(workspace, "AzureML-Pytorch1.7-Cuda11-OpenMpi4.1.0-py36").request()
        assert (asked.framework, asked.framework_version) == ("pytorch", "1.7.1")
        asked = Environment.get(workspace, "AzureML-Scikit-learn-0.20.3").request()
        assert (asked.framework, asked.framework_version) == ("sklearn", "0.20.3")
        asked = Environment.get(workspace, "AzureML-PyTorch-1.2-CPU").request()
        assert (asked.framework, asked.framework_version) == ("pytorch", "1.2.0")
        with pytest.raises(UserErrorException, match=r"0\.4.*cannot be had.*1\.4\.0"):
            Environment.get(workspace, "AzureML-PyTorch-0.4-CPU")
        with pytest.raises(UserErrorException, match="AzureML-Minimal"):
            Environment.get(workspace, "AzureML-Triton")


class TestBuild:
    def test_its_log_is_shown_and_it_is_ready(
        self, workspace: Workspace, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment = Environment("at-hand")
        environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["six==1.16.0"])
        build = environment.build(workspace)
        view = build.wait_for_completion(show_output=True)
        assert build.status == "Succeeded"
        assert Path(view.python).exists()
        assert view.digest[:6] in Path(view.python).parts[-3]
        assert "Ready in" in capsys.readouterr().out

    def test_why_it_failed(self, workspace: Workspace) -> None:
        environment = Environment("at-hand")
        environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["six=99.99"])
        build = environment.build(workspace)
        with pytest.raises(EnvironmentBuildException, match=r"six"):
            build.wait_for_completion(show_output=False)
        assert build.status == "Failed"


def test_a_run_gives_the_environment_that_it_had(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print()")
    environment = Environment.from_existing_interpreter("at-hand", sys.executable)
    environment.register(workspace)
    cluster = Cluster.get_or_create(workspace, "of-environments", max_nodes=1)
    config = ScriptRunConfig(tmp_path, "train.py", compute_target=cluster, environment=environment)
    run = Experiment(workspace, "e").submit(config)
    run.wait_for_completion()
    found = run.get_environment()
    assert (found.name, found.version) == ("at-hand", "1")
    assert found.python.user_managed_dependencies
    assert found.python.interpreter_path == sys.executable
    described = run.get_details()["runDefinition"]["environment"]
    assert (described["name"], described["version"]) == ("at-hand", "1")
