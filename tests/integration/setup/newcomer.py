"""Somebody who sets everything up for the first time, with stand-ins of all three vendors on real sockets."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import VENDOR_CONTRACTS
from tests.kit.bridge import API_KEY, AUTH_TOKEN, QUICK
from tests.kit.process import Process, running
from tests.kit.railway.standin import ACCOUNT_TOKEN, RailwayStandIn
from tests.kit.rest.contract import Contract
from tests.kit.rest.proxy import Proxy, judging

from offhook.offline.manners import Manners
from offhook.offline.rules import Project
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.sim.caller import HangUp, WaitForAgent
from offhook.sim.report import CallReport
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

NUMBER = "+441632960001"
SECRETS = (API_KEY, AUTH_TOKEN, ACCOUNT_TOKEN)
#: What one answers who has all three accounts and wants Railway.
AT_RAILWAY = f'''
deepgram_api_key = "{API_KEY}"
twilio_account_sid = "{Account().sid}"
twilio_auth_token = "{AUTH_TOKEN}"
place = "railway"
railway_api_token = "{ACCOUNT_TOKEN}"
repository = "owner/voice"
agree = true
call_s = 90
'''
#: What one answers who wants to try it on a laptop, with a tunnel that runs already.
ON_A_LAPTOP = f'''
deepgram_api_key = "{API_KEY}"
twilio_account_sid = "{Account().sid}"
twilio_auth_token = "{AUTH_TOKEN}"
place = "laptop"
agree = true
call_s = 90
'''


@dataclass(slots=True)
class Newcomer:
    """An empty folder, three vendors, and an answers file outside the folder."""

    folder: Path
    answers: Path
    account: Account
    twin: RestTwin
    agent: OfflineAgent
    railway: RailwayStandIn
    judge: Proxy | None = None
    more: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> PhoneNumber:
        """The number."""
        found = self.account.number(NUMBER)
        assert found is not None
        return found

    def environ(self) -> dict[str, str]:
        """What points the product at the stand-ins; no secret is in it."""
        return {
            **QUICK,
            "HOME": str(self.folder.parent),
            "TWILIO_API_URL": self.judge.url if self.judge else self.twin.url,
            "DEEPGRAM_AGENT_URL": self.agent.url,
            "OFFHOOK_RAILWAY__API_URL": self.railway.url,
            "OFFHOOK_RAILWAY__LOOK_S": "0.2",
            **self.more,
        }

    def setup(self, *options: str):
        """Run the wizard with the answers."""
        return running(
            self.folder.parent,
            *("setup", str(self.folder), "--answers", str(self.answers), *options),
            environ=self.environ(),
        )

    async def calls(self) -> CallReport:
        """Call the number from a telephone, and hear the greeting out."""
        steps = [WaitForAgent(quiet_ms=300, timeout_s=20, longest_s=20), HangUp()]
        return await self.twin.dial(NUMBER, steps)

    async def goes_all_the_way(self, wizard: Process) -> None:
        """Wait for the wizard's word, call, and see it end well."""
        await wizard.says("now call", 60)
        await self.calls()
        assert await wizard.ends(30) == 0, wizard.text

    def leaks(self, *texts: str) -> list[str]:
        """Return where a secret stands in these texts, or in any file but `.env`; also part of one."""
        files = {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        found = {f"text {at}": text.encode() for at, text in enumerate(texts)} | files
        return [
            where
            for where, content in found.items()
            for secret in SECRETS
            if where != str(self.folder / ".env") and secret[:16].encode() in content
        ]

    @property
    def state(self) -> dict[str, Any]:
        """What the wizard remembers."""
        file = self.folder / "offhook.state.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        return dict(json.loads(file.read_text(encoding="utf-8"))["choices"])


@asynccontextmanager
async def newcomer(tmp_path: Path, answers: str = AT_RAILWAY, **project: bool) -> AsyncIterator[Newcomer]:
    """Arrange everything; the folder is one as people have them. ``project`` is what Deepgram permits it."""
    outside = tmp_path / "Büro 1"
    outside.mkdir()
    file = outside / "answers.toml"
    file.write_text(answers, encoding="utf-8")
    folder = outside / "mein Agent"
    account = Account(auth_token=AUTH_TOKEN).own(PhoneNumber(NUMBER))
    async with (
        RestTwin([account]) as twin,
        _judged(twin) as judge,
        OfflineAgent(ScriptedMind(), keys=[API_KEY], manners=Manners(project=Project(**project))) as agent,
        RailwayStandIn() as railway,
    ):
        railway.code.repositories["owner/voice"] = folder
        yield Newcomer(folder, file, account, twin, agent, railway, judge)
        assert railway.invalid == []
        assert judge is None or judge.violations == []


@asynccontextmanager
async def _judged(twin: RestTwin) -> AsyncIterator[Proxy | None]:
    """Let every request to Twilio be judged by the vendor's own contract, on machines that have it."""
    if not VENDOR_CONTRACTS.is_dir():
        yield None
        return
    async with judging(Contract(VENDOR_CONTRACTS), twin.url) as judge:
        yield judge
