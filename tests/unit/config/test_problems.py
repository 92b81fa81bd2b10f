"""Every problem is found at once and says its key, its source and its fix; no value is ever repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.config import load
from offhook.config.keys import every_key
from offhook.errors import ConfigError

CANARY = "Canary7Value"
PAGE = "<!DOCTYPE html>\n<html><body>requirements.txt</body></html>"


def problems(folder: Path, toml: str = "", environ: dict[str, str] | None = None, dotenv: str = "") -> list[str]:
    (folder / "offhook.toml").write_text(toml, encoding="utf-8")
    if dotenv:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
    try:
        load(folder / "offhook.toml", environ or {})
    except ConfigError as error:
        return list(error.problems)
    return []


def test_all_problems_of_all_sources_come_at_once(tmp_path):
    found = problems(
        tmp_path,
        '[agent]\ngreting = "x"\n[agent.listen]\neot_threshold = 3\n[limits]\ncalls = "many"\n'
        f'[deepgram]\napi_key = "{CANARY}"\n[call]\nwhen_busy = {{ do = "redirect" }}\n',
        {
            "TWILIO_AUTH_TOKEN": "your-token-here",
            "OFFHOOK_LIMIT__CALLS": "3",
            "DEEPGRAM_AGENT_URL": "https://agent.deepgram.com/v1/agent/converse",
        },
        "PORT=80a\nthis is no line\n",
    )

    text = "\n".join(found)
    assert len(found) == 10
    for expected in (
        "deepgram.api_key (offhook.toml): secrets do not belong in the file; put it in the environment or in .env",
        "agent.greting (offhook.toml): is not a setting; did you mean `greeting`?",
        "agent.listen.eot_threshold (offhook.toml): must be at most 1.0",
        "limits.calls (offhook.toml): must be a whole number",
        'call.when_busy.redirect (offhook.toml): is needed when do = "redirect"',
        "twilio.auth_token (environment TWILIO_AUTH_TOKEN): is a placeholder",
        "OFFHOOK_LIMIT__CALLS (environment): is not a setting. Did you mean OFFHOOK_LIMITS__CALLS?",
        "deepgram.agent_url (environment DEEPGRAM_AGENT_URL): is a web address; the agent is a WebSocket",
        "server.port (.env PORT): must be a whole number",
        ".env: line 2 is not NAME=value; correct or remove it",
    ):
        assert expected in text
    assert CANARY not in text


def test_a_variable_that_nothing_filled_in_is_named_as_one(tmp_path: Path):
    """Exec form does not replace `$PORT`: the text arrives as it is written (Docker, "CMD")."""
    (only,) = problems(tmp_path, "", {"PORT": "$PORT"}, "")

    assert "server.port (environment PORT): is the name of a variable ($…) that nothing has filled in" in only


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (PAGE, "offhook.toml: is a saved web page, not the file itself; write it again with a text editor"),
        ("[agent]\n...\n", "offhook.toml: is not valid TOML at line 2: that line is a placeholder"),
        ("[agent]\ngreeting = Hello\n", "offhook.toml: is not valid TOML at line 2: text goes in double quotes"),
        ("a\n", "offhook.toml: is not valid TOML at line 1: a line is key = value or [table]"),
        ("[numbers.+441632960001]\nagent = 'x'\n", "offhook.toml: is not valid TOML at line 1: a number in the name"),
        ("[agent]\n[agent]\n", "offhook.toml: is not valid TOML at line 2: check quotes and brackets"),
        ("[agent]\ntags = [\n", "offhook.toml: is not valid TOML at the end"),
        ("[agnt]\nx = 1\n", "agnt (offhook.toml): is not a setting; did you mean `agent`?"),
        ("greeting = 'x'\n", "greeting (offhook.toml): is not a setting; did you mean `agent.greeting`?"),
        ("agent = 'x'\n", "agent (offhook.toml): must be a table"),
        ("[agent]\ntags = 'x'\n", "agent.tags (offhook.toml): must be a list"),
        ("[agent]\ngreeting = 5\n", "agent.greeting (offhook.toml): must be text, in quotes"),
        ("[call]\npreconnect = 'perhaps'\n", "call.preconnect (offhook.toml): must be true or false"),
        ("[log]\nlevel = 'loud'\n", "log.level (offhook.toml): must be one of 'debug', 'info', 'warning' or 'error'"),
        ("[numbers.01632]\nagent = 'x'\n", "numbers.01632 (offhook.toml): must be a phone number in E.164"),
        (
            '[numbers."+441632960001"]\nagent = "x"\n',
            "numbers (offhook.toml): names the agent `x`, which does not exist",
        ),
        ("[timeouts]\ndial_s = 0\n", "timeouts.dial_s (offhook.toml): must be more than 0"),
        ("[agents.'Big Sales']\ngreeting = 'x'\n", "agents.Big Sales (offhook.toml): does not have the form"),
    ],
)
def test_mistakes_in_the_file(tmp_path, toml, expected):
    found = problems(tmp_path, toml)

    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("lines", "key", "expected"),
    [
        ("[agent.listen]\nmodel='nova-3'\neot_timeout_ms=900", "listen.eot_timeout_ms", "belongs to the Flux models"),
        ("[agent.listen]\nlanguage='de'", "listen.language", "belongs to the Nova models"),
        ("[agent.listen]\nlanguage_hints=['de']", "listen.language_hints", "works with listen.model flux-"),
        ("[agent.listen]\nmodel='nova-2'\nkeyterms=['x']", "listen.keyterms", "works with the Flux models and Nova-3"),
        ("[agent.listen]\neager_eot_threshold=0.2", "listen.eager_eot_threshold", "must be at least 0.3"),
        ("[agent.think]\nprovider='anthropic'", "think.model", "is needed: name the provider's model"),
        ("[agent.think]\nprovider='groq'\nmodel='m'", "think.endpoint", "is needed: Deepgram does not manage"),
        ("[agent.think]\nendpoint={url='https://x.example'}", "think.endpoint", "is not for provider deepgram"),
        ("[agent.think]\nprovider='anthropic'\nmodel='m'\ntemperature=1.5", "think.temperature", "goes from 0 to 1"),
        ("[agent.think]\ncontext_length=5", "think.context_length", "works with an endpoint of your own only"),
        ("[agent.think]\noptions={api_key='x'}", "think.options", "must not hold `api_key`"),
        ("[agent.think]\noptions={model='x'}", "think.options", "must not hold `model`"),
        ("[agent.think]\nprovider='open_ai'\nmodel='m'\nvoice_prompt_opt_out=true", "think.voice_prompt_opt_out",
         "belongs to provider deepgram"),
        ("[agent]\nmip_opt_out=true", "mip_opt_out", "cannot be true with think-fast"),
        ("[agent.speak]\nexpressivity=1", "speak.expressivity", "belongs to the Flux voices"),
        ("[agent.speak]\nspeed=0.6", "speak.speed", "goes from 0.7 to 1.5 with an Aura voice"),
        ("[agent.speak]\nmodel='flux-kit-en'\nspeed=0.93", "speak.speed", "goes in steps of 0.05"),
        ("[agent.speak]\nprovider='eleven_labs'\nmodel='m'", "speak.endpoint", "is needed: Deepgram does not manage"),
        ("[[agent.functions]]\nname='a'\n[[agent.functions]]\nname='a'", "functions", "has two functions of the same"),
        ("[agent.think.endpoint]\nurl='https://x.example'\nheaders={authorization='x'}\n[agent.think]\nprovider='open_ai'\nmodel='m'",
         "think.endpoint.headers.authorization", "secrets do not belong in the file"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together(tmp_path, lines, key, expected):
    found = problems(tmp_path, lines)

    assert [line for line in found if line.startswith(f"agent.{key} (offhook.toml): {expected}")] == found != []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://agent.deepgram.com/v1/agent/converse", "is a web address"),
        ("wss://agent.deepgram.com", "has no path"),
        ("wss://api.deepgram.com/v1/agent/converse", "api.deepgram.com does not serve the agent"),
        ("wss://agent.eu.deepgram.com/v1/agent/converse", "regional hosts are called api.REGION.deepgram.com"),
        ("wss://h.example/v1/agent/converse?model=x", "must not have a query string"),
        ("ws://h.example/v1/agent/converse", "is ws:// to another machine"),
        ('"wss://agent.deepgram.com/v1/agent/converse"', "has quotes, brackets or blanks in it"),
        ("wss://user:pass@h.example/v1/agent/converse", "must not carry a user or password"),
        ("wss://h.example:port/v1/agent/converse", "is not an address"),
        ("agent.deepgram.com/v1/agent/converse", "must begin with wss:// or ws://"),
    ],
)
def test_addresses_that_are_not_the_agents(tmp_path, url, expected):
    found = problems(tmp_path, environ={"DEEPGRAM_AGENT_URL": url})

    assert len(found) == 1
    assert found[0].startswith(f"deepgram.agent_url (environment DEEPGRAM_AGENT_URL): {expected}")


@pytest.mark.parametrize(
    "environ",
    [
        {"DEEPGRAM_AGENT_URL": "ws://127.0.0.1:8081/v1/agent/converse"},
        {"DEEPGRAM_AGENT_URL": "ws://[::1]:8081/v1/agent/converse"},
        {"DEEPGRAM_AGENT_URL": "wss://api.au.deepgram.com/v1/agent/converse"},
        {"DEEPGRAM_AGENT_URL": "ws://dg.internal/v1/agent/converse", "OFFHOOK_DEEPGRAM__ALLOW_PLAIN": "true"},
        {"OFFHOOK_PUBLIC_URL": "http://127.0.0.1:8080"},
    ],
)
def test_addresses_that_are_right(tmp_path, environ):
    assert problems(tmp_path, environ=environ) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://voice.example.com", "is a stream address"),
        ("wss://voice.example.com", "is a stream address"),
        ("https://voice.example.com/twilio/voice", "must end after the host"),
        ("https://voice.example.com?x=1", "must end after the host"),
        ("http://voice.example.com", "must begin with https://"),
        ("voice.example.com", "must begin with https://, like"),
        ("https://", "must begin with https:// or http://"),
    ],
)
def test_public_addresses_that_are_not_one(tmp_path, url, expected):
    found = problems(tmp_path, environ={"OFFHOOK_PUBLIC_URL": url})

    assert len(found) == 1
    assert found[0].startswith(f"server.public_url (environment OFFHOOK_PUBLIC_URL): {expected}")


def test_a_dotenv_that_is_a_web_page_says_so(tmp_path):
    assert problems(tmp_path, dotenv=PAGE) == [
        ".env: is a saved web page, not the file itself; write it again with a text editor"
    ]


@pytest.mark.parametrize("key", list(every_key()), ids=lambda key: key.dotted)
def test_no_problem_ever_repeats_a_value(tmp_path, key):
    """A canary in any setting, from the environment or the file, is in no message (RELIABILITY, H18)."""
    environ = {} if "NAME" in key.path or "NUMBER" in key.path else dict.fromkeys(key.names, CANARY)
    found = problems(tmp_path, "[agents]\nx = 5\n", environ)
    found += problems(tmp_path, "".join(f"[{'.'.join(key.path[:-1])}]\n{key.path[-1]} = ['{CANARY}']\n"))

    assert found
    assert CANARY not in "\n".join(found)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e400", "1e12", "9" * 50])
@pytest.mark.parametrize("key", ["TIMEOUTS__CLOSE_S", "TIMEOUTS__STUCK_S", "LIMITS__CALLS_PER_SECOND", "LIMITS__MARKS"])
def test_no_timer_and_no_buffer_is_endless(tmp_path: Path, key: str, value: str):
    (only,) = problems(tmp_path, environ={f"OFFHOOK_{key}": value})
    assert "must be" in only
