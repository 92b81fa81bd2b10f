"""The doctor and its patients: each broken set-up is named, and a healthy one hears nothing but good."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from tests.kit.bridge import bridged
from tests.kit.ngrok import ngrok_agent
from tests.kit.patients.__main__ import PAGE, page
from tests.kit.patients.all import SEEDS
from tests.kit.patients.railway import at_railway
from tests.kit.patients.seed import ACCOUNT, API_KEY, AUTH_TOKEN, NOWHERE, Arranged, Seed, keys
from tests.kit.patients.twilio import account, wired
from tests.kit.ports import free_port

from offhook.setup.doctor.catalogue import CHECKS
from offhook.setup.doctor.check import Check, Run, run_checks
from offhook.setup.doctor.checks.python import interpreter
from offhook.setup.doctor.patient import Patient, examine
from offhook.setup.doctor.verdict import Finding, exit_code, ok
from offhook.sim.rest.server import RestTwin


async def diagnosed(folder: Path, arranged: Arranged) -> list[Finding]:
    """Run all checks."""
    if not arranged.network:
        return await run_checks(CHECKS, examine(folder, arranged.environ, url=arranged.url))
    try:
        async with aiohttp.ClientSession() as session:
            return await run_checks(CHECKS, examine(folder, arranged.environ, url=arranged.url, session=session))
    finally:
        await asyncio.get_running_loop().shutdown_default_executor()  # names were looked up in its threads


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
async def test_a_broken_set_up_is_named(seed: Seed, tmp_path: Path) -> None:
    async with seed.arrange(tmp_path) as arranged:
        findings = await diagnosed(tmp_path, arranged)
    named = [f for f in findings if (f.check, f.cause) == (seed.check, seed.cause)]
    assert named, [(f.check, f.cause, f.found) for f in findings if f.verdict in ("warn", "fail")]
    assert named[0].verdict == seed.verdict
    assert seed.fix in named[0].fix, named[0].fix
    told = "\n".join(line for finding in findings for line in finding.lines())
    assert not [secret for secret in (API_KEY, AUTH_TOKEN) if secret in told]


async def test_a_healthy_set_up_hears_nothing_but_good(tmp_path: Path) -> None:
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    environ = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": here}
    owner = account(wired(here))
    async with bridged(PORT=str(port), **environ) as bridge, RestTwin([owner]) as twin:
        known = {**environ, "DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": bridge.agent.url}
        known["TWILIO_API_URL"] = twin.url
        findings = await diagnosed(tmp_path, Arranged(known, network=True))
    assert [f for f in findings if f.verdict != "ok"] == []
    assert exit_code(findings) == 0
    assert {"python", "settings", "deepgram-key", "deepgram-llm", "public-url", "call"} | {
        *("twilio-account", "twilio-number", "twilio-wiring", "twilio-debugger")
    } <= {f.check for f in findings}


@pytest.mark.parametrize(
    "spelt", ["http://me:pw@127.0.0.1:9/twilio/voice", "HTTP://127.0.0.1:9/twilio/voice#rc=2&rp=all"]
)
async def test_an_address_that_is_only_spelt_otherwise_is_the_same(spelt: str, tmp_path: Path) -> None:
    """Twilio drops a password before the host and keeps the part behind # to itself; hosts have no capitals."""
    async with RestTwin([account(wired(voice_url=spelt))]) as twin:
        findings = await diagnosed(tmp_path, Arranged(keys(DEEPGRAM_API_KEY="", TWILIO_API_URL=twin.url), network=True))
    assert [f.verdict for f in findings if f.check == "twilio-wiring"] == ["ok"], findings


async def test_a_sound_service_at_railway_hears_nothing_but_good(tmp_path: Path) -> None:
    async with at_railway(tmp_path) as sick:
        findings = await diagnosed(tmp_path, Arranged(sick.environ, network=True))
    told = [f for f in findings if f.check.startswith("railway")]
    assert {f.check: f.verdict for f in told} == {
        "railway": "ok",
        "railway-service": "ok",
        "railway-deployment": "ok",
    }, told
    assert sick.railway.made("Progress") == 1
    assert len(sick.railway.requests) < 20  # the free plan allows a hundred an hour


async def test_a_sound_tunnel_hears_nothing_but_good(tmp_path: Path) -> None:
    port = free_port()
    async with ngrok_agent(port) as ngrok:
        environ = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": ngrok.url}
        async with bridged(PORT=str(port), **environ) as bridge:
            known = {**environ, "DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": bridge.agent.url, "PORT": str(port)}
            known |= {"OFFHOOK_DEV__NGROK_API": ngrok.api, "TWILIO_API_URL": NOWHERE}
            findings = await diagnosed(tmp_path, Arranged(known, network=True))
    found = {finding.check: finding for finding in findings}
    assert {found[name].verdict for name in ("tunnel", "public-url", "webhook", "stream", "call")} == {"ok"}


@pytest.mark.parametrize("known", [{"RAILWAY_PROJECT_ID": "p"}, {"OFFHOOK_PUBLIC_URL": "https://x.up.railway.app"}, {}])
async def test_where_no_tunnel_is_used_none_is_mentioned(known: dict[str, str], tmp_path: Path) -> None:
    elsewhere = keys(OFFHOOK_PUBLIC_URL="https://voice.example.com", NGROK_AUTHTOKEN="2abc")
    findings = await diagnosed(tmp_path, Arranged({**elsewhere, **known}))
    assert [finding for finding in findings if finding.check == "tunnel"] == []


@pytest.mark.parametrize(
    "value", ["", "x" * 40, "your_deepgram_api_key_goes_here_please", "AC" + "x" * 32, "<your key>"]
)
async def test_what_stands_for_a_key_is_none(value: str, tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text(f"DEEPGRAM_API_KEY={value}\nTWILIO_ACCOUNT_SID={value}\n")
    findings = await diagnosed(tmp_path, Arranged(keys()))
    assert [f.verdict for f in findings if f.check == "secrets"] == ["ok"]


@pytest.mark.parametrize("found", [(2, 7, 18), (3, 9, 1), (3, 10, 12)])
def test_an_old_python_is_named(found: tuple[int, ...]) -> None:
    (finding,) = interpreter(found)
    assert (finding.verdict, finding.cause) == ("fail", "too-old")
    assert "newer Python" in finding.fix


async def test_what_is_slow_holds_up_nothing_that_stands_before_it() -> None:
    """Findings are told in the order of the list, each as soon as it and those before it are known."""
    told: list[str] = []
    slow = asyncio.Event()

    async def quick(_: Patient) -> list[Finding]:
        return [ok("quick", "fine")]

    async def late(_: Patient) -> list[Finding]:
        await slow.wait()
        return [ok("late", "fine")]

    def hear(finding: Finding) -> None:
        told.append(finding.check)
        if finding.check == "first":
            slow.set()

    checks = [Check("first", "", quick), Check("late", "", late), Check("last", "", quick)]
    checks = [Check(c.name, "", _named(c)) for c in checks]
    found = await run_checks(checks, Patient(Path(), {}), hear)
    assert told == ["first", "late", "last"] == [finding.check for finding in found]


def _named(check: Check) -> Run:
    async def run(patient: Patient) -> list[Finding]:
        return [replace(finding, check=check.name) for finding in await check.run(patient)]

    return run


def test_the_docs_have_the_table() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run: python -m tests.kit.patients"
