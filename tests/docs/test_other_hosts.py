"""The files for other hosts are what their hosts read, agree with each other, and leave calls time to end."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from offhook.config.load import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
PAGE = ROOT / "docs" / "howto" / "elsewhere.md"
SECRETS = {"DEEPGRAM_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"}
SET = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 31 + "1",
    "TWILIO_AUTH_TOKEN": "fedcba9876543210" * 2,
    "DEEPGRAM_API_KEY": "0123456789abcdef" * 2 + "01234567",
}


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def fly() -> dict[str, Any]:
    return tomllib.loads(read("fly/fly.toml"))


def render() -> dict[str, Any]:
    (service,) = yaml.safe_load(read("render/render.yaml"))["services"]
    return service


def cloud_run() -> dict[str, Any]:
    return yaml.safe_load(read("cloud-run/service.yaml"))


def compose() -> dict[str, Any]:
    return yaml.safe_load(read("compose/compose.yaml"))["services"]


def unit() -> dict[str, list[str]]:
    """Return the unit's [Service] section; a name may come more than once."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in read("vps/offhook.service").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#") and section == "Service":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def environment(host: str) -> dict[str, str]:
    """Return the environment that a host's file gives the process, without secrets."""
    match host:
        case "fly":
            return fly()["env"]
        case "render":
            return {entry["key"]: entry["value"] for entry in render()["envVars"] if "value" in entry}
        case "cloud-run":
            (container,) = cloud_run()["spec"]["template"]["spec"]["containers"]
            return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
        case "compose":
            return compose()["offhook"]["environment"]
        case _:
            return dict(pair.split("=", 1) for line in unit()["Environment"] for pair in line.split())


HOSTS = ("fly", "render", "cloud-run", "compose", "vps")


def patience_s(host: str) -> float:
    """Return how long the host waits between SIGTERM and the end."""
    match host:
        case "fly":
            return float(fly()["kill_timeout"])
        case "render":
            return float(render()["maxShutdownDelaySeconds"])
        case "cloud-run":
            return 10.0  # fixed by the platform
        case "compose":
            return float(compose()["offhook"]["stop_grace_period"].removesuffix("m")) * 60
        case _:
            return float(unit()["TimeoutStopSec"][0])


@pytest.mark.parametrize("host", HOSTS)
def test_the_settings_are_ones_that_offhook_takes(host: str, tmp_path: Path):
    given = {key: value for key, value in environment(host).items() if key != "PYTHONUNBUFFERED"}
    public = {"OFFHOOK_PUBLIC_URL": "https://voice.example.com"}

    loaded = load(None, {**public, **given, **SET}, None, tmp_path)

    assert loaded.notes == ()
    assert all(isinstance(value, str) for value in given.values()), "a number in YAML is no text"


@pytest.mark.parametrize("host", HOSTS)
def test_the_host_waits_longer_than_the_drain(host: str, tmp_path: Path):
    given = {key: value for key, value in environment(host).items() if key != "PYTHONUNBUFFERED"}
    settings = load(None, {"OFFHOOK_PUBLIC_URL": "https://voice.example.com", **given, **SET}, None, tmp_path).settings

    ends_s = settings.timeouts.drain_s + settings.timeouts.goodbye_s + settings.timeouts.close_s
    assert ends_s < patience_s(host)


def test_fly():
    file = fly()
    service = file["http_service"]

    assert file["kill_signal"] == "SIGTERM"
    assert 5 <= file["kill_timeout"] <= 300
    assert service["internal_port"] == int(file["env"]["PORT"])
    assert service["auto_stop_machines"] == "off"
    assert service["min_machines_running"] >= 1
    assert service["concurrency"]["type"] == "connections"
    assert [check["path"] for check in service["checks"]] == ["/livez"]
    assert not SECRETS & set(file["env"])


def test_render():
    service = render()

    assert (service["type"], service["runtime"]) == ("web", "docker")
    assert 1 <= service["maxShutdownDelaySeconds"] <= 300
    assert service["healthCheckPath"] == "/livez"
    assert {entry["key"] for entry in service["envVars"] if entry.get("sync") is False} == SECRETS


def test_cloud_run():
    file = cloud_run()
    template = file["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]

    assert (file["apiVersion"], file["kind"]) == ("serving.knative.dev/v1", "Service")
    assert template["spec"]["timeoutSeconds"] == 3600
    assert port["name"] == "http1"
    assert {entry["name"] for entry in container["env"] if "valueFrom" in entry} == SECRETS
    assert float(environment("cloud-run")["OFFHOOK_CALL__MAX_MINUTES"]) * 60 < template["spec"]["timeoutSeconds"]
    assert all(isinstance(value, str) for value in template["metadata"]["annotations"].values())


def test_compose():
    services = compose()
    offhook = services["offhook"]

    assert offhook["stop_signal"] == "SIGTERM"
    assert offhook["env_file"] == ".env"
    assert offhook["expose"] == [offhook["environment"]["PORT"]]
    assert offhook["healthcheck"]["test"][0] == "CMD"
    compile(offhook["healthcheck"]["test"][3], "healthcheck", "exec")
    assert "ports" not in offhook, "only Caddy is open to the world"
    assert {"80:80", "443:443"} == set(services["caddy"]["ports"])
    assert "./Caddyfile:/etc/caddy/Caddyfile:ro" in services["caddy"]["volumes"]


def test_the_unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(read("vps/offhook.service"))
    service = unit()

    assert set(parser.sections()) == {"Unit", "Service", "Install"}
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    assert service["ExecStart"] == ["/opt/voice-agent/.venv/bin/python -m offhook serve"]
    assert service["Restart"] == ["on-failure"]
    assert service["User"] != ["root"]
    assert environment("vps")["OFFHOOK_SERVER__HOST"] == "127.0.0.1"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_itself_takes_the_unit(tmp_path: Path):
    """What it says of the program that is not here, and of the user, is not ours to mend."""
    text = read("vps/offhook.service").replace("/opt/voice-agent/.venv/bin/python", "/bin/true")
    file = tmp_path / "offhook.service"
    file.write_text(text.replace("User=offhook", "User=root").replace("Group=offhook", "Group=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False, timeout=60
    )

    ours = [line for line in done.stderr.splitlines() if str(file) in line or "offhook.service" in line]
    assert ours == []


def blocks(caddyfile: str) -> dict[str, Any]:
    """Read a Caddyfile as far as its shape goes: `words {` opens a block, `}` closes it, other lines are directives."""
    root: dict[str, Any] = {}
    stack = [root]
    for raw in caddyfile.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line == "}":
            assert len(stack) > 1, "a } too many"
            stack.pop()
        elif line.endswith(" {"):
            inner: dict[str, Any] = {}
            stack[-1][line.removesuffix(" {")] = inner
            stack.append(inner)
        else:
            name, _, rest = line.partition(" ")
            stack[-1][name] = rest
    assert len(stack) == 1, "a } is missing"
    return root


@pytest.mark.parametrize(("name", "upstream"), [("vps", "127.0.0.1:8080"), ("compose", "offhook:8080")])
def test_the_caddyfiles(name: str, upstream: str):
    assert blocks(read(f"{name}/Caddyfile")) == {
        "voice.example.com": {f"reverse_proxy {upstream}": {"stream_close_delay": "2h"}}
    }


@pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy on this machine")
@pytest.mark.parametrize("name", ["vps", "compose"])
def test_caddy_itself_takes_them(name: str):
    done = subprocess.run(
        ["caddy", "adapt", "--config", str(DEPLOY / name / "Caddyfile"), "--validate"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_every_file_is_on_the_page_and_every_link_leads_to_one():
    page = PAGE.read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(\.\./\.\./examples/deploy/([\w./-]+)\)", page))
    files = {file.relative_to(DEPLOY).as_posix() for file in DEPLOY.rglob("*") if file.is_file()}

    assert linked == files


def test_the_pages_table_says_what_the_files_say():
    page = PAGE.read_text(encoding="utf-8")
    words = ("kill_timeout", "maxShutdownDelaySeconds", "TimeoutStopSec", "stop_grace_period", "drainingSeconds")
    assert [word for word in words if f"`{word}`" not in page] == []
