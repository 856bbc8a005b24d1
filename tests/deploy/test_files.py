"""What deploy/ tells a server is what a server knows: settings, ports, probes, folders that it writes to."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command, Context, Group

from faena.cli.main import main
from faena.people import settings
from faena.people.settings import PREFIX, Settings, read
from faena.server.operation.probes import HEALTH, READY

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
PORT = str(Settings().port)
USER = "10001"
"""Of the image."""
VARIABLE = re.compile(rf"\b{PREFIX}([A-Z_]+)\b")


@cache
def text(name: str) -> str:
    return (DEPLOY / name).read_text()


def documents(name: str) -> list[Any]:
    return [each for each in yaml.safe_load_all(text(name)) if each]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_setting_is_one_that_servers_know(path: Path) -> None:
    known = {name.upper() for name in settings.Settings.__struct_fields__} | {"SETTINGS", "IDLE_SECONDS"}
    for name in VARIABLE.findall(path.read_text()):
        assert name in known, f"{path.name} sets {PREFIX}{name}, which is no setting"


def test_values_of_the_files_can_be_used() -> None:
    compose = documents("compose/compose.yaml")[0]["services"]["faena-1"]["environment"]
    (generated,) = documents("kubernetes/kustomization.yaml")[0]["configMapGenerator"]
    cluster = dict(each.split("=", 1) for each in generated["literals"])
    for given in (compose, cluster):
        variables = {name: value for name, value in given.items() if name != f"{PREFIX}SETTINGS"}
        found = read({**variables, f"{PREFIX}ADDRESS": "0.0.0.0"})
        assert found.objects.startswith("s3://faena/")
        assert found.drain > 0


def test_secrets_are_made_as_servers_read_them(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text(text("compose/secrets.sh"))
    subprocess.run(["sh", str(script)], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    compose = documents("compose/compose.yaml")[0]
    assert {path.rpartition("/")[2] for path in re.findall(r"secrets/[a-z.-]+", str(compose))} >= made.keys()
    database = tomllib.loads(made["server.toml"])["database"]
    assert database == f"postgresql://faena:{made['postgres-password']}@postgres/faena"
    assert read({}, tmp_path / "secrets/server.toml").database == database
    key = made["aws-credentials"].rpartition(" = ")[2].strip()
    assert made["bucket.env"] == f"BUCKET_SECRET={key}\n"
    again = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)
    assert again.returncode == 1, "passwords that are in use are not replaced"
    assert "there already" in again.stderr


@pytest.mark.usefixtures("s3_server")  # or there is no rclone
def test_the_store_of_compose_takes_the_key_that_it_is_given(tmp_path: Path) -> None:
    bucket = documents("compose/compose.yaml")[0]["services"]["bucket"]
    shell, option, command = bucket["entrypoint"]
    command = command.replace("$$", "$").replace("/data", str(tmp_path)).replace(":9000", "127.0.0.1:0")
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {**os.environ, "PATH": programs, "RCLONE_CONFIG": os.devnull, "BUCKET_SECRET": "a1b2"}
    store = subprocess.Popen([shell, option, command], env=variables, stderr=subprocess.PIPE, text=True)
    assert store.stderr is not None
    try:
        said = ""
        while "Starting s3 server" not in said and (line := store.stderr.readline()):
            said += line
        assert "Starting s3 server" in said, said
        assert (tmp_path / "faena").is_dir()
    finally:
        store.kill()
        store.communicate()


def test_the_image_listens_where_people_probes_and_balancers_ask() -> None:
    assert f"EXPOSE {PORT}\n" in text("Dockerfile")
    assert f"https://127.0.0.1:{PORT}{HEALTH}" in text("Dockerfile")
    (server,) = documents("kubernetes/server.yaml")[0]["spec"]["template"]["spec"]["containers"]
    (port,) = server["ports"]
    assert str(port["containerPort"]) == PORT
    paths = {name: server[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["path"] for each in (paths["startup"], paths["liveness"])} == {HEALTH}
    assert paths["readiness"]["path"] == READY
    for service in documents("kubernetes/service.yaml"):
        assert [str(each["port"]) for each in service["spec"]["ports"]] == [PORT]
    for name in ("balancer/haproxy.cfg", "balancer/haproxy-passthrough.cfg", "compose/haproxy.cfg"):
        assert f"option httpchk GET {READY}\n" in text(name)
        assert f"bind :{PORT}" in text(name)


def test_pods_and_containers_may_write_where_the_image_says_and_nowhere_else() -> None:
    image = dict(re.findall(r"(FAENA_HOME|FAENA_RUNTIME|HOME)=(\S+)", text("Dockerfile")))
    pod = documents("kubernetes/server.yaml")[0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert str(pod["securityContext"]["runAsUser"]) == USER
    containers = pod["initContainers"] + pod["containers"]
    private, others = containers[0], containers[1:]
    made = private["command"][-1]
    for container in others:
        mounted = {each["mountPath"]: each for each in container["volumeMounts"]}
        assert container["securityContext"]["readOnlyRootFilesystem"]
        (volume,) = private["volumeMounts"]
        runtime = mounted[image["FAENA_RUNTIME"]]
        assert runtime["name"] == volume["name"]
        assert f"{volume['mountPath']}/{runtime['subPath']}" == made, "a volume itself is open to all"
        assert all(any(path.startswith(place) for place in mounted) for path in image.values()), mounted
    for name in ("faena-1", "faena-2", "folder"):
        service = documents("compose/compose.yaml")[0]["services"][name]
        places = {each.partition(":")[2] for each in service["volumes"]}
        places |= {each.partition(":")[0] for each in service["tmpfs"]}
        assert (service["read_only"], service["user"]) == (True, f"{USER}:{USER}")
        written = {**image, **{name: service["environment"][name] for name in ("FAENA_RUNTIME",)}}
        assert all(any(path.startswith(place) for place in places) for path in written.values()), places
        assert written["FAENA_RUNTIME"] not in places, "the server makes it, for itself alone"
    assert f"USER {USER}:{USER}\n" in text("Dockerfile")


def test_whoever_ends_a_server_waits_for_its_drain() -> None:
    compose = documents("compose/compose.yaml")[0]["services"]["faena-1"]
    assert (
        int(compose["stop_grace_period"].rstrip("s")) >= float(compose["environment"][f"{PREFIX}DRAIN"]) + 45
    )
    pod = documents("kubernetes/server.yaml")[0]["spec"]["template"]["spec"]
    (generated,) = documents("kubernetes/kustomization.yaml")[0]["configMapGenerator"]
    drain = float(dict(each.split("=", 1) for each in generated["literals"])[f"{PREFIX}DRAIN"])
    probe = pod["containers"][0]["readinessProbe"]
    assert drain > probe["periodSeconds"] * probe["failureThreshold"]
    assert pod["terminationGracePeriodSeconds"] >= drain + 45


def _of_faena(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Containers that run `faena`."""
    return [each for each in (*pod["initContainers"], *pod["containers"]) if "args" in each]


def commands() -> list[tuple[str, list[str]]]:
    """By the file, what it has `faena` do."""
    compose = documents("compose/compose.yaml")[0]["services"]
    pod = documents("kubernetes/server.yaml")[0]["spec"]["template"]["spec"]
    found = [(f"compose.yaml, {name}", compose[name]["command"]) for name in ("faena-1", "folder")]
    found += [("server.yaml", each["args"]) for each in _of_faena(pod)]
    for unit in (DEPLOY / "systemd").glob("*.service"):
        for line in re.findall(r"^Exec(?:Start|Stop)=\S+/faena (.+)$", unit.read_text(), re.MULTILINE):
            found.append((unit.name, shlex.split(line)))
    return found


@pytest.mark.parametrize(("where", "arguments"), commands(), ids=lambda value: str(value)[:30])
def test_commands_are_ones_that_there_are(where: str, arguments: list[str]) -> None:
    command: Command = main
    rest = list(arguments)
    while isinstance(command, Group):
        found = command.get_command(Context(command), rest.pop(0))
        assert found is not None, f"{where}: {arguments}"
        command = found
    options = {name for each in command.params for name in each.opts}
    assert {each for each in rest if each.startswith("--")} <= options, where
