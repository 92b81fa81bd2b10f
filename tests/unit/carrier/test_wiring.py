"""What answers a number, and the memory of what answered it before us."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from offhook.carrier.number import Wiring, country_of
from offhook.carrier.saved import SavedWirings
from offhook.errors import ConfigError

OLD = Wiring(voice_url="https://old.example.com/voice", voice_method="GET")
OURS = Wiring(voice_url="https://voice.example.com/twilio/voice", status_url="https://voice.example.com/twilio/status")
LATER = Wiring(voice_url="https://tunnel.example.com/twilio/voice")


def test_only_what_differs_is_a_change():
    assert OLD.changes_to(OLD) == ()
    assert [str(change) for change in OLD.changes_to(OURS)] == [
        "VoiceUrl: https://old.example.com/voice → https://voice.example.com/twilio/voice",
        "VoiceMethod: GET → POST",
        "StatusCallback: nothing → https://voice.example.com/twilio/status",
    ]


def test_a_method_without_an_address_is_no_difference():
    assert Wiring(fallback_method="GET").changes_to(Wiring()) == ()


def test_what_was_there_before_us_stays_known_however_often_we_attach(tmp_path: Path):
    saved = SavedWirings(tmp_path)
    saved.save("PN1", OLD, OURS)
    saved.save("PN1", OURS, LATER)
    kept = saved.get("PN1")
    assert kept is not None
    assert (kept.before, kept.ours) == (OLD, LATER)


def test_what_somebody_changed_meanwhile_is_what_will_be_put_back(tmp_path: Path):
    saved = SavedWirings(tmp_path)
    saved.save("PN1", OLD, OURS)
    theirs = Wiring(voice_url="https://theirs.example.com")
    assert saved.save("PN1", theirs, OURS).before == theirs


def test_numbers_are_remembered_apart_and_forgotten(tmp_path: Path):
    saved = SavedWirings(tmp_path)
    saved.save("PN1", OLD, OURS)
    saved.save("PN2", LATER, OURS)
    saved.forget("PN1")
    saved.forget("PN1")
    assert list(saved.all()) == ["PN2"]
    assert sorted(file.name for file in saved.file.parent.iterdir()) == [".gitignore", "numbers.json"]


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_the_file_is_the_owners(tmp_path: Path):
    saved = SavedWirings(tmp_path)
    saved.save("PN1", OLD, OURS)
    assert stat.S_IMODE(saved.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "[]", '{"numbers": {"PN1": {"before": {}, "ours": {}}}}'])
def test_a_spoilt_file_is_told_and_kept(tmp_path: Path, text: str):
    saved = SavedWirings(tmp_path)
    saved.file.parent.mkdir()
    saved.file.write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        saved.save("PN1", OLD, OURS)
    assert saved.file.read_text() == text


@pytest.mark.parametrize(
    ("number", "country"), [("+14155550123", "US"), ("+441632960000", "GB"), ("+4930123456", "DE"), ("junk", "")]
)
def test_the_country_of_a_number(number: str, country: str):
    assert country_of(number) == country
