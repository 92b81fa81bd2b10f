"""A canary in every secret appears in no rendering of the settings (RELIABILITY, H18)."""

from __future__ import annotations

import json
import traceback

import pytest
from pydantic import ValidationError

from offhook.config import Settings, load
from offhook.config.shown import rows

CANARY = "c0ffee"
TOKEN = CANARY + "0123456789abcdef0123456789"
KEY = CANARY + "0123456789abcdef0123456789abcdef01"


@pytest.fixture
def loaded(tmp_path):
    (tmp_path / ".env").write_text(f"LLM={CANARY}-llm\nAWS={CANARY}-aws\nFN={CANARY}-fn\nTTS={CANARY}-tts\n")
    (tmp_path / "offhook.toml").write_text(
        """
        [agent.think]
        provider = "aws_bedrock"
        model = "m"
        endpoint = { url = "https://x.example", headers = { authorization = "Bearer ${LLM}" } }
        credentials = { type = "iam", region = "us-east-1", secret_access_key = "${AWS}" }
        [[agent.functions]]
        name = "look_up"
        endpoint = { url = "https://f.example", headers = { x-api-key = "${FN}" } }
        [agent.speak]
        provider = "eleven_labs"
        model = "m"
        endpoint = { url = "wss://e.example", headers = { xi-api-key = "${TTS}" } }
        """
    )
    environ = {
        "DEEPGRAM_API_KEY": KEY,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_PREVIOUS_AUTH_TOKEN": TOKEN[::-1] if TOKEN[::-1] != TOKEN else TOKEN,
    }
    return load(tmp_path / "offhook.toml", environ)


def test_no_rendering_shows_a_secret(loaded):
    settings = loaded.settings
    renderings = [
        repr(settings), str(settings), repr(loaded), str(settings.model_dump()), settings.model_dump_json(),
        f"{settings.twilio}", repr(settings.deepgram), repr(settings.agent.think.endpoint),
        json.dumps([list(row) for row in rows(loaded)]),
    ]  # fmt: skip

    assert [text for text in renderings if CANARY in text or CANARY[::-1] in text] == []
    assert f'"set ({len(KEY)} chars)"' in renderings[-1]


def test_a_traceback_with_a_refused_secret_does_not_show_it(loaded):
    try:
        Settings.model_validate({"deepgram": {"api_key": f"sk-{CANARY}"}, "twilio": {"auth_token": [CANARY]}})
    except ValidationError:
        text = traceback.format_exc()
    else:
        pytest.fail("a wrong key was accepted")

    assert "is an OpenAI key" in text
    assert CANARY not in text
