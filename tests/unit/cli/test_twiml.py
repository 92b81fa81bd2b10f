"""`offhook twiml` as a user types it: one document on standard output, without a trap; what to do with it beside."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.unit.cli.test_config import offhook

from offhook.setup.doctor.traps import traps

HUMAN = '[call.when_agent_fails]\nsay = "One moment."\ndial = "+441632960000"\n'


@pytest.mark.parametrize("url", ["https://voice.example.com", "https://voice.example.com/", None])
def test_it_prints_one_document_and_nothing_else_on_stdout(tmp_path: Path, url: str | None):
    given = () if url is None else ("--url", url)
    done = offhook(tmp_path, "twiml", *given, OFFHOOK_PUBLIC_URL="https://voice.example.com")

    root = ET.fromstring(done.stdout)
    connect, stream = root.find("Connect"), root.find("Connect/Stream")
    assert done.returncode == 0
    assert done.stdout.startswith("<?xml")
    assert connect is not None
    assert stream is not None
    assert stream.get("url") == "wss://voice.example.com/twilio"
    assert stream.get("statusCallback") == "https://voice.example.com/twilio/stream-status"
    assert connect.get("action") == "https://voice.example.com/twilio/after"
    assert {p.get("name"): p.get("value") for p in stream} == {"caller": "{{From}}", "called": "{{To}}"}
    assert traps(done.stdout) == []


def test_it_says_what_a_bin_cannot_do_and_where_it_goes(tmp_path: Path):
    done = offhook(tmp_path, "twiml", "--url", "https://voice.example.com")

    assert "cannot mint secrets" in done.stderr
    assert "twilio.static_streams = true" in done.stderr
    assert "TwiML Bins" in done.stderr
    (tmp_path / "offhook.toml").write_text("[twilio]\nstatic_streams = true\n")
    assert "static_streams" not in offhook(tmp_path, "twiml", "--url", "https://voice.example.com").stderr


def test_a_streams_own_address_is_taken_as_it_is(tmp_path: Path):
    done = offhook(tmp_path, "twiml", "--url", "wss://voice.example.com/calls/in")

    assert 'url="wss://voice.example.com/calls/in"' in done.stdout
    assert 'action="https://voice.example.com/calls/in/after"' in done.stdout


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://voice.example.com/twilio?x=1", "must not have a query string"),
        ("wss://voice.example.com", "has no path"),
        ("https://voice.example.com/twilio", "must end after the host"),
        ("http://voice.example.com", "must begin with wss:// or https://"),
        ("ws://voice.example.com/twilio", "must begin with wss:// or https://"),
    ],
)
def test_it_refuses_an_address_that_twilio_would_refuse(tmp_path: Path, url: str, expected: str):
    done = offhook(tmp_path, "twiml", "--url", url)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"config: --url: {expected}" in done.stderr


def test_without_an_address_it_says_what_to_set(tmp_path: Path):
    done = offhook(tmp_path, "twiml")

    assert done.returncode == 2
    assert "set OFFHOOK_PUBLIC_URL or give --url" in done.stderr


def test_the_bin_for_the_fallback_needs_no_server(tmp_path: Path):
    (tmp_path / "offhook.toml").write_text(HUMAN)
    done = offhook(tmp_path, "twiml", "--fallback")

    root = ET.fromstring(done.stdout)
    assert [verb.tag for verb in root] == ["Say", "Dial", "Hangup"]
    assert root.findtext("Dial") == "+441632960000"
    assert "://" not in done.stdout
    assert "fails" in done.stderr
