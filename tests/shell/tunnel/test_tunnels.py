"""Tunnels on real sockets: a running ngrok agent, ngrok's library as far as it goes offline, cloudflared, one's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.kit.ngrok import ngrok_agent
from tests.kit.patients.addresses import answering

from offhook.config.dev import DevPart
from offhook.errors import SetupError
from offhook.setup.tunnel import ngrok_sdk
from offhook.setup.tunnel.choose import open_tunnel
from offhook.setup.tunnel.cloudflared import Cloudflared
from offhook.setup.tunnel.ngrok_agent import RunningAgent, endpoints, port_of
from offhook.setup.tunnel.ngrok_codes import MEANINGS, code_in, refusal
from offhook.setup.tunnel.ngrok_sdk import NgrokSdk, config_file, token_of

TOKEN = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789"
NOBODY = "http://127.0.0.1:9"


class TestRunningAgent:
    @pytest.mark.parametrize("old", [False, True])
    async def test_its_address_leads_to_our_port(self, old: bool):
        async with answering(200, "here") as port, ngrok_agent(port, old=old) as agent:
            tunnel = await RunningAgent([agent.api]).open(port)

            assert tunnel.url == agent.url
            async with aiohttp.ClientSession() as session, session.get(tunnel.url + "/livez") as answer:
                assert await answer.text() == "here"
            said = tunnel.says(port)
            assert tunnel.url in said
            assert "offhook itself runs here" in said

    async def test_the_second_agent_is_found_too(self):
        async with ngrok_agent(8080) as agent:
            tunnel = await RunningAgent([NOBODY, agent.api]).open(8080)

            assert tunnel.url == agent.url

    async def test_an_endpoint_that_leads_elsewhere_is_not_taken(self):
        async with ngrok_agent(5000) as agent:
            with pytest.raises(SetupError, match=r"leads to port 5000, not to 8080; start it as: ngrok http 8080"):
                await RunningAgent([agent.api]).open(8080)

    async def test_plain_http_is_not_taken_where_https_is_there(self):
        """Old agents listed an http and an https tunnel side by side."""
        config = {"addr": "http://localhost:8080"}
        plain = {"public_url": "http://abc.ngrok.io", "proto": "http", "config": config}
        secure = {"public_url": "https://abc.ngrok.io", "proto": "https", "config": config}
        async with ngrok_agent(1, old=True, others=[plain, secure]) as agent:
            tunnel = await RunningAgent([agent.api]).open(8080)

            assert tunnel.url == "https://abc.ngrok.io"

    async def test_only_plain_http(self):
        plain = {"url": "http://abc.ngrok.io", "upstream": {"url": "8080"}}
        async with ngrok_agent(1, others=[plain]) as agent:
            with pytest.raises(SetupError, match="not from an https address"):
                await RunningAgent([agent.api]).open(8080)

    async def test_nobody_there(self):
        with pytest.raises(SetupError, match="ngrok http 8080"):
            await RunningAgent([NOBODY]).open(8080)

    @pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"endpoints": 1}', '{"endpoints": [1, {}, {"url": 3}]}'])
    async def test_something_else_on_that_port(self, body: str):
        async with answering(200, body) as port:
            assert not await endpoints([f"http://127.0.0.1:{port}"])


@pytest.mark.parametrize(
    ("upstream", "port"),
    [
        ("8080", 8080),
        ("localhost:8080", 8080),
        ("http://localhost:8080", 8080),
        ("http://127.0.0.1:5000/", 5000),
        ("http://[::1]:80", 80),
        ("http://localhost", 80),
        ("https://localhost", 443),
        ("http://10.0.0.7:8080", None),
        ("tcp://elsewhere.example:22", None),
        ("http://localhost:eighty", None),
        ("file:///tmp", 80),
    ],
)
def test_an_upstream_is_read_as_people_write_it(upstream: str, port: int | None):
    assert port_of(upstream) == port


class TestLibrary:
    """The vendor's own library, as far as it goes without its service."""

    async def test_no_token_is_explained_with_ngroks_code(self):
        with pytest.raises(SetupError, match=r"ERR_NGROK_4018.*NGROK_AUTHTOKEN"):
            await NgrokSdk("").open(8080)

    async def test_no_library_says_how_to_get_it(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(ngrok_sdk, "is_installed", lambda: False)
        with pytest.raises(SetupError, match="pip install ngrok"):
            await NgrokSdk(TOKEN).open(8080)

    async def test_no_way_out_is_a_sentence_without_the_token(self, monkeypatch: pytest.MonkeyPatch):
        """The library really connects: here to a port of this machine where nobody is."""
        pytest.importorskip("ngrok")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(SetupError) as refused:
            await NgrokSdk(TOKEN, "127.0.0.1:9").open(8080)
        assert "ngrok cannot be reached" in str(refused.value)
        assert TOKEN not in str(refused.value)

    async def test_a_file_of_certificates_that_is_not_there(self, tmp_path: Path):
        pytest.importorskip("ngrok")
        with pytest.raises(SetupError, match="ngrok_ca_file"):
            await NgrokSdk(TOKEN, "localhost:9", tmp_path / "none.pem").open(8080)


class TestCodes:
    @pytest.mark.parametrize("code", sorted(MEANINGS))
    def test_each_code_of_the_reference_has_a_cause_and_a_fix(self, code: int):
        said = str(refusal(f"failed: ERR_NGROK_{code}\r\n. Your authtoken: {TOKEN}"))

        assert f"ERR_NGROK_{code}" in said
        assert "; " in said
        assert TOKEN not in said

    def test_an_unknown_code_is_at_least_named(self):
        assert "ERR_NGROK_9999" in str(refusal("ERR_NGROK_9999"))
        assert code_in("nothing of the kind") is None


class TestToken:
    def test_environment_before_dotenv_before_ngroks_own_file(self, tmp_path: Path):
        known = {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
        assert token_of(known, tmp_path) == ""
        file = config_file(known)
        assert file is not None
        file.parent.mkdir(parents=True)
        file.write_text(f"version: 3\nagent:\n    authtoken: {TOKEN}\n")
        assert token_of(known, tmp_path) == TOKEN
        (tmp_path / ".env").write_text("NGROK_AUTHTOKEN=from-dotenv\n")
        assert token_of(known, tmp_path) == "from-dotenv"
        assert token_of({**known, "NGROK_AUTHTOKEN": "from-env"}, tmp_path) == "from-env"

    @pytest.mark.parametrize(
        ("platform", "ends"),
        [
            ("linux", ".config/ngrok/ngrok.yml"),
            ("darwin", "Application Support/ngrok/ngrok.yml"),
            ("win32", "ngrok/ngrok.yml"),
        ],
    )
    def test_where_ngrok_keeps_it(self, platform: str, ends: str):
        known = {"HOME": "h", "LOCALAPPDATA": "local"}
        file = config_file(known, platform)
        assert file is not None
        assert file.as_posix().endswith(ends)
        assert config_file({}, platform) is None


CLOUDFLARED = """#!{python}
import sys, time
print("2026 INF Requesting new quick Tunnel on trycloudflare.com...", file=sys.stderr, flush=True)
if {works}:
    print("INF |  https://quiet-forest-42.trycloudflare.com  |", file=sys.stderr, flush=True)
    open({seen!r}, "w").write(" ".join(sys.argv[1:]))
    time.sleep(600)
sys.exit(1)
"""


@pytest.mark.skipif(os.name == "nt", reason="a script on PATH needs another form there")
class TestCloudflared:
    def install(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, works: bool) -> Path:
        seen, script = folder / "seen", folder / "cloudflared"
        script.write_text(CLOUDFLARED.format(python=sys.executable, works=works, seen=str(seen)))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return seen

    async def test_its_address_is_read_from_what_it_says(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.install(tmp_path, monkeypatch, works=True)
        tunnel = await Cloudflared().open(8080)
        try:
            assert tunnel.url == "https://quiet-forest-42.trycloudflare.com"
        finally:
            await tunnel.close()
        assert tunnel.ended is not None
        assert "ended" in await tunnel.ended()

    async def test_one_that_gives_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.install(tmp_path, monkeypatch, works=False)
        with pytest.raises(SetupError, match="gives no address"):
            await Cloudflared().open(8080)

    async def test_it_is_the_last_resort(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.install(tmp_path, monkeypatch, works=True)
        dev = DevPart(ngrok_api=NOBODY)
        tunnel = await open_tunnel(dev, 8080, {"HOME": str(tmp_path)}, tmp_path)
        await tunnel.close()
        assert "Cloudflare" in tunnel.owner


class TestChoice:
    async def test_a_running_agent_comes_first(self, tmp_path: Path):
        async with ngrok_agent(8080) as agent:
            known = {"NGROK_AUTHTOKEN": TOKEN, "HOME": str(tmp_path)}
            tunnel = await open_tunnel(DevPart(ngrok_api=agent.api), 8080, known, tmp_path)
        assert tunnel.url == agent.url

    async def test_ones_own_address_is_taken_as_it_is(self, tmp_path: Path):
        tunnel = await open_tunnel(DevPart(), 8080, {}, tmp_path, "https://voice.example.com/")
        assert tunnel.url == "https://voice.example.com"

    @pytest.mark.parametrize("url", ["wss://voice.example.com", "http://voice.example.com", "https://x.example/twilio"])
    async def test_ones_own_address_must_be_one(self, tmp_path: Path, url: str):
        with pytest.raises(SetupError, match="--url "):
            await open_tunnel(DevPart(), 8080, {}, tmp_path, url)

    async def test_nothing_at_all_lists_the_ways(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(SetupError) as refused:
            await open_tunnel(DevPart(ngrok_api=NOBODY), 8080, {"HOME": str(tmp_path)}, tmp_path)
        said = str(refused.value)
        assert [word for word in ("ngrok", "cloudflared", "--url", "NGROK_AUTHTOKEN") if word not in said] == []

    async def test_an_agent_for_another_port_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        async with ngrok_agent(5000) as agent:
            with pytest.raises(SetupError, match="leads to port 5000"):
                await open_tunnel(DevPart(ngrok_api=agent.api), 8080, {"HOME": str(tmp_path)}, tmp_path)
