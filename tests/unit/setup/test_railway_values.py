"""What goes to Railway from a project's folder, and what is printed for whoever enters it by hand."""

from __future__ import annotations

from pathlib import Path

from offhook.config.load import load
from offhook.setup.railway.by_hand import pages
from offhook.setup.railway.from_project import variables_of, wanted_of
from offhook.setup.railway.wanted import Repository, ServiceSettings

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
