"""What goes to Railway from a project's folder, and what is printed for whoever enters it by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.config.load import load
from offhook.setup.railway.by_hand import pages
from offhook.setup.railway.deployment import Deployment, LogLine, StepEvent
from offhook.setup.railway.diagnosis import diagnose
from offhook.setup.railway.from_project import variables_of, wanted_of
from offhook.setup.railway.wanted import Repository, ServiceSettings, is_same_source

ENV = """
DEEPGRAM_API_KEY=0123456789abcdef0123456789abcdef01234567
MY_TOOL_KEY=canary-1
PORT=5000
OFFHOOK_PUBLIC_URL=https://old.ngrok-free.app
OFFHOOK_SERVER__HOST=127.0.0.1
NGROK_AUTHTOKEN=canary-2
RAILWAY_API_TOKEN=5b1c7a52-0000-4000-8000-00000000acc0
EMPTY=
"""


def test_what_belongs_to_this_machine_stays_here(tmp_path: Path):
    (tmp_path / ".env").write_text(ENV)
    loaded = load(environ={}, folder=tmp_path)
    environ = {"OFFHOOK_AGENT__GREETING": "Hello", "HOME": "/x", "OFFHOOK_VENDOR_CONTRACTS": "/y", "TERM": "dumb"}
    assert set(variables_of(loaded, environ)) == {"DEEPGRAM_API_KEY", "MY_TOOL_KEY", "OFFHOOK_AGENT__GREETING"}


def test_no_secret_is_printed(tmp_path: Path):
    (tmp_path / ".env").write_text(ENV)
    loaded = load(environ={}, folder=tmp_path)
    wanted = wanted_of(loaded, {}, Repository("owner/voice"), 2, ("postgres", "redis"))
    text = "\n".join(pages(wanted))
    assert "MY_TOOL_KEY=(your value" in text
    assert "TWILIO_AUTH_TOKEN=(not in your .env yet" in text
    assert "DATABASE_URL=${{Postgres.DATABASE_URL}}" in text
    assert not [secret for secret in ("canary", "0123456789abcdef", "acc0") if secret in text]
    assert "canary" not in repr(wanted)


def test_railway_waits_longer_than_we_drain(tmp_path: Path):
    (tmp_path / "offhook.toml").write_text('[timeouts]\ndrain_s = 900.5\n[railway]\nproject = "front desk"\n')
    wanted = wanted_of(load(environ={}, folder=tmp_path), {})
    assert wanted.settings.draining_seconds == 911
    assert wanted.project == "front desk"


def test_blank_null_and_off_are_the_same_and_nought_is_not():
    wanted = ServiceSettings()
    same = ServiceSettings(start_command="", sleep_application=None, root_directory="/app")
    assert wanted.unlike(same) == []
    assert [d.name for d in wanted.unlike(ServiceSettings(draining_seconds=0))] == ["drainingSeconds"]


@pytest.mark.parametrize(
    "text",
    [
        "ann/my-agent",
        " ann/my-agent ",
        "https://github.com/ann/my-agent",
        "https://github.com/ann/my-agent.git",
        "github.com/ann/my-agent/",
        "git@github.com:ann/my-agent.git",
    ],
)
def test_a_repository_is_read_as_people_copy_it(text: str):
    assert Repository.read(text, "trunk") == Repository("ann/my-agent", "trunk")


@pytest.mark.parametrize("text", ["", "my-agent", "https://example.com/ann/my-agent", "ann/my agent", "ann/my-agent/x"])
def test_what_names_no_repository_is_not_taken(text: str):
    assert Repository.read(text) is None


def test_the_same_source():
    one = Repository("ann/voice", "main")
    assert is_same_source(one, Repository("Ann/Voice", "main"))
    assert is_same_source(one, Repository("ann/voice", ""))
    assert not is_same_source(one, Repository("ann/voice", "trunk"))
    assert not is_same_source(one, None)


def test_a_server_that_refused_its_settings_is_not_taken_for_one_that_does_not_listen():
    """Railway may give up on the health check before it gives up on the restarts."""
    said = "config: twilio.auth_token: is not set"
    it = Deployment(
        "1", "FAILED", "", is_stopped=False, events=(StepEvent("HEALTHCHECK", True, "service unavailable"),),
        run=(LogLine("", said), LogLine("", said)),
    )  # fmt: skip
    told = diagnose(it, ServiceSettings())
    assert (told.cause, told.said) == ("crashed-settings", "the settings are wrong: twilio.auth_token: is not set")


def test_an_active_deployment_whose_processes_are_not_told_is_believed_and_one_whose_are_over_is_not():
    def cause(instances: tuple[str, ...], *, is_stopped: bool = False) -> str:
        it = Deployment("1", "SUCCESS", "", is_stopped, instances)
        return diagnose(it, ServiceSettings()).cause

    assert cause(()) == "ok"
    assert cause((), is_stopped=True) == "stopped"
    assert cause(("EXITED",)) == "exited-0"
    assert cause(("REMOVED",)) == "no-instance"
