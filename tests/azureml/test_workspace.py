"""v1's Workspace: the cloud's words for a local workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from azureml.core import Environment, Experiment, Model, Workspace
from azureml.core.authentication import InteractiveLoginAuthentication, ServicePrincipalAuthentication
from azureml.core.compute import AmlCompute
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import UserErrorException, WebserviceException, WorkspaceException

from faena.client.workspaces import logins
from faena.kernel.errors import NoFolder
from tests.conftest import shut_down

CLOUD = {"subscription_id": "sub-1", "resource_group": "rg-1"}


def put_config(folder: Path, place: str, found: object, name: str = "config.json") -> Path:
    file = folder / place / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(found if isinstance(found, str) else json.dumps(found))
    return file


class TestFromConfig:
    @pytest.mark.parametrize("place", [".azureml", "aml_config", ""])
    def test_a_config_of_the_cloud_makes_a_local_workspace_in_its_project(
        self, tmp_path: Path, name: str, place: str
    ) -> None:
        put_config(tmp_path, place, {**CLOUD, "workspace_name": name})
        (tmp_path / "notebooks" / "deep").mkdir(parents=True)
        made = Workspace.from_config(tmp_path / "notebooks" / "deep", auth=InteractiveLoginAuthentication())
        assert (made.name, made.resource_group, made.subscription_id, made.location) == (
            name,
            "rg-1",
            "sub-1",
            "local",
        )
        assert made.folder == tmp_path
        assert Workspace.from_config(path=str(tmp_path)).id == made.id

    def test_a_config_of_a_shared_server_opens_its_workspace_and_makes_none_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        url = "http://127.0.0.1:9"
        put_config(tmp_path, "project", {**CLOUD, "workspace_name": "team", "workspace_url": url})
        with pytest.raises(UserErrorException, match=f"not logged in there: faena login {url}"):
            Workspace.from_config(tmp_path / "project")
        logins.remember(url, logins.Login("of-ada"))
        opened = Workspace.from_config(tmp_path / "project")
        assert (opened.url, opened.resource_group) == (url, "rg-1")
        with pytest.raises(NoFolder, match="not this machine's to remove"):
            opened.delete()
        assert not (tmp_path / "project" / ".faena").exists()

    def test_without_a_config_it_is_the_workspace_of_the_login(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UserErrorException, match="faena login URL"):
            Workspace.from_config()
        logins.remember("http://127.0.0.1:9", logins.Login("of-ada"))
        assert Workspace.from_config().url == "http://127.0.0.1:9"

    @pytest.mark.parametrize("way", ["get", "by its coordinates", "from_config"])
    def test_a_name_that_only_a_server_of_a_login_has_is_its_workspace(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str
    ) -> None:
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        put_config(tmp_path, "", {**CLOUD, "workspace_name": name})
        url = "http://127.0.0.1:9"
        logins.remember(url, logins.Login("of-ada", workspace=name))
        logins.remember("http://127.0.0.1:10", logins.Login("of-ada", workspace="another"))

        def opened() -> Workspace:
            if way == "get":
                return Workspace.get(name, subscription_id="sub-1", resource_group="rg-1")
            return (
                Workspace("sub-1", "rg-1", name) if way == "by its coordinates" else Workspace.from_config()
            )

        there = opened()
        assert (there.url, there.subscription_id, there.resource_group) == (url, "sub-1", "rg-1")
        assert not (tmp_path / ".faena").exists()
        here = Workspace.create(name, subscription_id="sub-1")
        assert (opened().url, opened().id) == ("", here.id), "one of this host comes first"

    def test_the_first_place_in_a_folder_wins(self, tmp_path: Path, name: str) -> None:
        put_config(tmp_path, "", {**CLOUD, "workspace_name": "other-one"})
        put_config(tmp_path, ".azureml", {**CLOUD, "workspace_name": name})
        assert Workspace.from_config(tmp_path).name == name

    def test_the_legacy_form(self, tmp_path: Path, name: str) -> None:
        scope = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.X/workspaces/{name}"
        put_config(tmp_path, "aml_config", {"Scope": scope}, "project.json")
        made = Workspace.from_config(tmp_path)
        assert (made.name, made.subscription_id, made.resource_group) == (name, "s", "g")

    def test_write_config_keeps_what_the_file_says_of_the_cloud(self, ws: Workspace, tmp_path: Path) -> None:
        file = tmp_path / ".azureml" / "config.json"
        file.parent.mkdir()
        before = {"subscription_id": "123", "resource_group": "rg", "workspace_name": "theirs", "more": 1}
        file.write_text(json.dumps(before))
        ws.write_config(tmp_path)
        now = json.loads(file.read_text())
        assert (now["workspace_name"], now["more"]) == (ws.name, 1)
        assert json.loads(file.with_name("config.json.before").read_text()) == before
        if ws.subscription_id == "local":
            assert (now["subscription_id"], now["resource_group"]) == ("123", "rg")

    def test_what_write_config_wrote_leads_back(self, ws: Workspace, tmp_path: Path) -> None:
        ws.write_config(tmp_path / "elsewhere")
        written = json.loads((tmp_path / "elsewhere" / ".azureml" / "config.json").read_text())
        assert written["workspace_name"] == ws.name
        assert Workspace.from_config(tmp_path / "elsewhere").id == ws.id

    def test_a_file_from_another_machine_makes_the_workspace_here(self, tmp_path: Path, name: str) -> None:
        put_config(tmp_path, ".azureml", {**CLOUD, "workspace_name": name, "workspace_folder": "../nowhere"})
        assert Workspace.from_config(tmp_path).folder == tmp_path

    def test_where_there_is_none_the_error_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException, match=r"We could not find config.json in: .*Workspace.create"):
            Workspace.from_config(tmp_path, _file_name="none-such.json")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"workspace_name": 3}', '{"workspace_name": "../x"}', "[" * 100_000, "\0"]
    )
    def test_a_file_that_names_no_workspace_is_named(self, tmp_path: Path, text: str) -> None:
        file = put_config(tmp_path, ".azureml", text)
        with pytest.raises(UserErrorException):
            Workspace.from_config(file)
        assert not (tmp_path / ".faena").exists()


class TestByName:
    def test_v1s_constructor_opens_or_makes(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        made = Workspace("s", "g", name)
        assert f"made the workspace '{name}' in {tmp_path}" in capsys.readouterr().out
        again = Workspace(subscription_id="s2", resource_group="g", workspace_name=name)
        assert (again.id, again.subscription_id) == (made.id, "s2")
        assert Workspace.get(name, subscription_id="x").subscription_id == "x"
        assert [found.id for found in Workspace.list("s")[name]] == [made.id]

    def test_a_folder_that_has_another_one_keeps_it(
        self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
        first, second = Workspace("s", "g", name), Workspace("s", "g", f"{name}-2")
        assert first.folder == tmp_path
        assert second.folder == tmp_path / "home" / "workspaces" / f"{name}-2"
        assert Workspace("s", "g", f"{name}-2").id == second.id

    def test_creating_it_again(self, ws: Workspace) -> None:
        with pytest.raises(WorkspaceException, match="already exists under"):
            Workspace.create(ws.name, subscription_id="s")
        assert Workspace.create(ws.name, exist_ok=True).id == ws.id

    @pytest.mark.parametrize("bad", ["", "ab", "a" * 34, "a/b", "../x", "a b", None, 3])
    def test_a_name_that_cannot_be_is_refused(self, bad: str, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException):
            Workspace("s", "g", bad)
        with pytest.raises(UserErrorException):
            Workspace.create(bad)

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(WorkspaceException, match="no-such-one"):
            Workspace.get("no-such-one")

    def test_targets_to_begin_with(self, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        shape = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
        made = Workspace.create(name, default_cpu_compute_target=shape)
        assert type(made.get_default_compute_target("CPU")) is AmlCompute
        assert made.get_default_compute_target("GPU") is None
        with pytest.raises(ValueError, match="TPU"):
            made.get_default_compute_target("TPU")
        shut_down(made)


def test_what_it_has_by_name(ws: Workspace) -> None:
    Environment("own").register(ws)
    assert [name for name in ws.environments if not name.startswith("AzureML-")] == ["own"]
    assert list(ws.datastores) == ["workspaceblobstore", "workspacefilestore"]
    assert ws.get_default_datastore().name == "workspaceblobstore"
    assert not any([ws.models, ws.datasets, ws.experiments, ws.webservices, ws.images])


def test_details_have_v1s_keys(ws: Workspace) -> None:
    details = ws.get_details()
    v1 = (
        "id name location type workspaceid description friendlyName creationTime containerRegistry keyVault "
        "applicationInsights identityPrincipalId identityTenantId identityType storageAccount"
    )
    assert list(details)[:15] == v1.split()
    assert details["id"] == f"/subscriptions/sub-1/resourceGroups/rg-1/workspaces/{ws.name}"
    assert repr(ws) == f"Workspace.create(name='{ws.name}', subscription_id='sub-1', resource_group='rg-1')"


def test_secrets_given_to_log_in_are_not_kept() -> None:
    given = ServicePrincipalAuthentication("tenant", "id", service_principal_password="secret")
    assert vars(given) == {}


def test_deleting_takes_everything(ws: Workspace) -> None:
    ws.api.version()
    ws.delete(delete_dependent_resources=True, no_wait=False)
    assert not (ws.folder / ".faena").exists()
    with pytest.raises(WorkspaceException):
        Workspace.get(ws.name)


@pytest.mark.long
def test_models_are_of_v1s_class_however_they_are_had(lasting_ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_text("net")
    asked = ResourceConfiguration(cpu=1, memory_in_gb=0.5)
    with Experiment(lasting_ws, "models").start_logging(snapshot_directory=None, outputs=None) as run:
        run.upload_file("outputs/net.bin", str(tmp_path / "net.bin"))
        made = run.register_model("of-a-run", "outputs/net.bin", resource_configuration=asked)
    registered = Model.register(lasting_ws, tmp_path / "net.bin", "of-a-path", resource_configuration=asked)
    for model in (made, registered, *lasting_ws.models.values(), *Model.list(lasting_ws)):
        assert isinstance(model, Model)
    with pytest.raises(WebserviceException, match="inference_config is missing"):
        made.deploy(lasting_ws, "service", [made])
