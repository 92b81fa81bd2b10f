"""Settings come from five places in a fixed order, and each value knows which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offhook.config import load
from offhook.config.load import Loaded
from offhook.errors import ConfigError

TOKEN = "0123456789abcdef0123456789abcdef"
SID = "AC" + "0" * 32
KEY = "0123456789abcdef0123456789abcdef01234567"


def write(folder: Path, toml: str = "", dotenv: str | None = None) -> Path:
    file = folder / "offhook.toml"
    file.write_text(toml, encoding="utf-8")
    if dotenv is not None:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
    return file


def problems(*args: object, **kwargs: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)  # type: ignore[arg-type]
    return list(caught.value.problems)


def test_without_any_source_every_value_is_its_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    loaded = load(environ={})

    assert (loaded.file, loaded.dotenv, loaded.notes) == (None, None, ())
    assert loaded.settings.agent.think.label == "deepgram/think-fast"
    assert loaded.origin("agent.think.model") == "default"


def test_command_line_beats_environment_beats_dotenv_beats_file_beats_default(tmp_path):
    file = write(
        tmp_path,
        "[limits]\ncalls = 1\nmarks = 11\ndtmf = 21\nconnections = 31\n",
        "OFFHOOK_LIMITS__CALLS=2\nOFFHOOK_LIMITS__MARKS=12\nOFFHOOK_LIMITS__DTMF=22\n",
    )

    loaded = load(file, {"OFFHOOK_LIMITS__CALLS": "3", "OFFHOOK_LIMITS__MARKS": "13"}, {"limits.calls": 4})

    limits = loaded.settings.limits
    assert (limits.calls, limits.marks, limits.dtmf, limits.connections) == (4, 13, 22, 31)
    assert [loaded.origin(f"limits.{key}") for key in ("calls", "marks", "dtmf", "connections", "preroll_ms")] == [
        "command line",
        "environment OFFHOOK_LIMITS__MARKS",
        ".env OFFHOOK_LIMITS__DTMF",
        "offhook.toml",
        "default",
    ]


def test_the_names_that_platforms_use_are_honoured(tmp_path):
    environ = {
        "DEEPGRAM_API_KEY": KEY,
        "DEEPGRAM_AGENT_URL": "wss://api.eu.deepgram.com/v1/agent/converse",
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_PREVIOUS_AUTH_TOKEN": TOKEN[::-1],
        "PORT": "5000",
        "OFFHOOK_PUBLIC_URL": "https://voice.example.com/",
    }

    loaded = load(write(tmp_path), environ)

    settings = loaded.settings
    assert settings.deepgram.api_key is not None
    assert settings.deepgram.api_key.get_secret_value() == KEY
    assert settings.twilio.auth_tokens == (TOKEN, TOKEN[::-1])
    assert settings.twilio.account_sid == SID
    assert settings.server.port == 5000
    assert settings.server.public_url == "https://voice.example.com"
    assert settings.server.stream_url == "wss://voice.example.com/twilio"
    assert loaded.origin("server.port") == "environment PORT"


def test_an_empty_variable_is_unset_and_does_not_hide_the_dotenv(tmp_path):
    file = write(tmp_path, dotenv=f"DEEPGRAM_API_KEY={KEY}\n")

    loaded = load(file, {"DEEPGRAM_API_KEY": "", "PORT": "", "OFFHOOK_LIMITS__CALLS": ""})

    assert loaded.origin("deepgram.api_key") == ".env DEEPGRAM_API_KEY"
    assert loaded.settings.server.port == 8080


def test_two_names_for_one_setting_must_agree(tmp_path):
    file = write(tmp_path)

    assert load(file, {"PORT": "81", "OFFHOOK_SERVER__PORT": "81"}).settings.server.port == 81
    [problem] = problems(file, {"PORT": "80", "OFFHOOK_SERVER__PORT": "81"})
    assert problem.startswith(
        "server.port (environment OFFHOOK_SERVER__PORT): is also set, differently, by environment"
    )


def test_railways_domain_is_the_public_address_where_nothing_else_says_it(tmp_path):
    railway = {"RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"}

    guessed = load(write(tmp_path), railway)
    told = load(write(tmp_path, '[server]\npublic_url = "https://own.example.com"\n'), railway)

    assert guessed.settings.server.public_url == "https://x.up.railway.app"
    assert guessed.origin("server.public_url") == "environment RAILWAY_PUBLIC_DOMAIN"
    assert told.settings.server.public_url == "https://own.example.com"


def test_lists_and_tables_are_json_in_the_environment(tmp_path):
    environ = {
        "OFFHOOK_AGENT__TAGS": '["a", "b"]',
        "OFFHOOK_AGENTS__SALES__GREETING": "Sales!",
        "OFFHOOK_NUMBERS": json.dumps({"+44 1632 960001": {"agent": "sales"}}),
        "OFFHOOK_CALL__WHEN_AGENT_FAILS": json.dumps({"say": "Sorry.", "dial": "+441632960000"}),
        "OFFHOOK_CALL__WHEN_AGENT_FAILS__SAY": "So sorry.",
        "OFFHOOK_CALL__PRECONNECT": "false",
        "OFFHOOK_AGENT__THINK__TEMPERATURE": "0.5",
    }

    settings = load(write(tmp_path), environ).settings

    assert settings.agent.tags == ("a", "b")
    assert settings.agents["sales"].greeting == "Sales!"
    assert settings.numbers["+441632960001"].agent == "sales"
    assert settings.call.when_agent_fails.model_dump() == {"say": "So sorry.", "dial": "+441632960000"}
    assert settings.call.preconnect is False
    assert settings.agent.think.temperature == 0.5


def test_the_example_of_the_product_loads(tmp_path):
    (tmp_path / "prompt.md").write_text("You are Robin.\n", encoding="utf-8")
    file = write(
        tmp_path,
        """
        [agent]
        greeting = "Hello! How can I help you today?"
        prompt_file = "prompt.md"
        [agent.listen]
        model = "flux-general-en"
        [agent.think]
        provider = "deepgram"
        model = "think-fast"
        fallback = [{ provider = "open_ai", model = "gpt-4o-mini" }]
        [agent.speak]
        model = "aura-2-thalia-en"
        [call]
        max_minutes = 30
        when_agent_fails = { say = "Sorry. I am connecting you.", dial = "+441632960000" }
        [agents.sales]
        greeting = "Sales, hello."
        [numbers."+441632960001"]
        agent = "sales"
        """,
    )

    loaded = load(file, {})

    assert loaded.settings.agent.prompt == "You are Robin."
    assert loaded.origin("agent.prompt") == "offhook.toml"
    assert loaded.settings.call.longest_s(loaded.settings.timeouts) == 1800
    assert [entry.label for entry in loaded.settings.agent.think.entries] == [
        "deepgram/think-fast",
        "open_ai/gpt-4o-mini",
    ]


def test_a_prompt_of_a_higher_layer_replaces_the_prompt_file_of_a_lower_one(tmp_path):
    file = write(tmp_path, '[agent]\nprompt_file = "not-there.md"\n')

    loaded = load(file, {"OFFHOOK_AGENT__PROMPT": "Be brief."})

    assert loaded.settings.agent.prompt == "Be brief."
    assert loaded.settings.agent.prompt_file is None
    assert loaded.origin("agent.prompt_file") == "default"


def test_a_prompt_and_a_prompt_file_in_one_place_are_a_problem(tmp_path):
    file = write(tmp_path, '[agent]\nprompt = "x"\nprompt_file = "prompt.md"\n')

    assert problems(file, {}) == ["agent.prompt_file (offhook.toml): is set beside prompt; keep one of the two"]


def test_a_missing_prompt_file_is_a_problem_that_says_where_it_is_looked_for(tmp_path):
    file = write(tmp_path, '[agents.sales]\nprompt_file = "gone.md"\n')

    assert problems(file, {}) == [
        "agents.sales.prompt_file (offhook.toml): the file does not exist; it is looked for beside offhook.toml"
    ]


def test_a_named_file_must_exist_and_the_unnamed_one_need_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert load(environ={}).file is None
    assert problems(tmp_path / "other.toml", {}) == ["other.toml: does not exist"]
    assert problems(None, {"OFFHOOK_CONFIG": "named.toml"}) == ["named.toml: does not exist"]


def test_references_in_headers_are_filled_from_the_environment_and_stay_masked(tmp_path):
    file = write(
        tmp_path,
        """
        [agent.think]
        provider = "open_ai"
        model = "llama"
        endpoint = { url = "https://llm.example.com/v1", headers = { authorization = "Bearer ${LLM}" } }
        """,
    )

    settings = load(file, {"LLM": "canary-secret"}).settings

    assert settings.agent.think.endpoint is not None
    assert settings.agent.think.endpoint.headers["authorization"].get_secret_value() == "Bearer canary-secret"
    assert "canary" not in repr(settings)
    assert problems(file, {}) == [
        "agent.think.endpoint.headers.authorization (offhook.toml): ${LLM} is not set in the environment or .env"
    ]


def test_a_prompt_longer_than_the_vendor_reads_is_noted(tmp_path):
    loaded: Loaded = load(write(tmp_path), {"OFFHOOK_AGENT__PROMPT": "x" * 25_001})

    assert loaded.notes == ("agent.prompt has 25001 characters; Deepgram's managed models read the first 25000",)


def test_a_nearly_right_platform_name_is_noted(tmp_path):
    loaded = load(write(tmp_path), {"DEEPGRAM_APIKEY": KEY})

    assert loaded.notes == ("DEEPGRAM_APIKEY is set but means nothing here; did you mean DEEPGRAM_API_KEY?",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_saved_by_windows_editors_are_read(tmp_path, encoding):
    (tmp_path / "offhook.toml").write_text("[limits]\r\ncalls = 7\r\n", encoding=encoding)
    (tmp_path / ".env").write_text("PORT=5001\r\n", encoding=encoding)

    settings = load(tmp_path / "offhook.toml", {}).settings

    assert (settings.limits.calls, settings.server.port) == (7, 5001)


def test_settings_cannot_be_changed(tmp_path):
    settings = load(write(tmp_path), {}).settings

    with pytest.raises(ValueError, match="frozen"):
        settings.limits.calls = 1  # type: ignore[misc]


def test_calls_never_exceed_the_agents_concurrency(tmp_path):
    file = write(tmp_path)

    assert load(file, {"OFFHOOK_DEEPGRAM__CONCURRENCY": "45"}).settings.calls == 45
    assert load(file, {"OFFHOOK_DEEPGRAM__CONCURRENCY": "100"}).settings.calls == 50


def test_names_that_belong_to_other_parts_are_no_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("OFFHOOK_CACHE", "OFFHOOK_LLM_API_KEY", "OFFHOOK_LLM_MODEL", "OFFHOOK_VENDOR_CONTRACTS")

    assert load(environ=dict.fromkeys(names, "x")).origins == {}
