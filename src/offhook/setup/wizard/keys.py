"""The first steps: the project, Deepgram's key, Twilio's account, each proved by the vendor itself. No number yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from offhook.carrier.account import Account, Credentials
from offhook.carrier.client import Carrier
from offhook.carrier.transport import Deadlines
from offhook.config.settings import Settings
from offhook.errors import CarrierRefused, SetupError
from offhook.setup.doctor.checks import deepgram, twilio
from offhook.setup.doctor.patient import examine
from offhook.setup.doctor.verdict import Finding
from offhook.setup.project.write import write_project
from offhook.setup.wizard import dotenv
from offhook.setup.wizard.journey import Setup

#: Causes that another key may mend.
_KEY: Final = frozenset({"refused-401", "refused-403"})
_KEY_IS_AT: Final = "Deepgram API key (from console.deepgram.com, API Keys; it stays hidden as you paste)"
_SID_IS_AT: Final = "Account SID (from console.twilio.com, Account Info; begins with AC)"
_AUTH_IS_AT: Final = "Auth token (beside it; press Show there, then copy; hidden here)"


def project(setup: Setup) -> None:
    """Write what a project lacks; settings that cannot be used stop the wizard here."""
    if setup.ask.is_person and _is_anothers(setup.folder):
        setup.tell.line("note", f"{setup.folder.absolute()} has other things in it, and no offhook project")
        if not setup.ask.agree("Put the project beside them?"):
            raise SetupError("nothing was written", "name a folder of its own, which is made: offhook setup my-agent")
    written = write_project(setup.folder)
    setup.tell.line("ok", f"written: {', '.join(written.made)}" if written.made else "all its files are here")
    for note in written.notes:
        setup.tell.line("note", note)
    setup.drop_useless_credentials()


def _is_anothers(folder: Path) -> bool:
    """Say whether there is something in the folder that is no project of ours: Downloads, or a home."""
    ours = ("offhook.toml", "offhook.state.json", ".env")
    if not folder.is_dir() or any((folder / name).exists() for name in ours):
        return False
    # what a system puts there, and the .git of an empty repository that was cloned, are nobody's things
    return any(not entry.name.startswith(".") and entry.name.lower() != "desktop.ini" for entry in folder.iterdir())


def deepgram_key(setup: Setup) -> None:
    """Have a key that Deepgram takes, with every agent's settings, and say what thinks."""
    setup.have("deepgram_api_key", "DEEPGRAM_API_KEY", "deepgram.api_key", _KEY_IS_AT)
    while True:
        setup.tell.line("do", "shaking hands with Deepgram")
        findings = setup.run(_probed(setup))
        bad = next((finding for finding in findings if finding.verdict in ("fail", "skip")), None)
        if bad is None:
            break
        is_mine = setup.load().origin("deepgram.api_key").startswith(".env")
        if bad.cause not in _KEY or not setup.ask.is_person or not is_mine:
            is_shadowing = bad.cause in _KEY and not is_mine
            where = "; it is set in this terminal's environment, which counts over .env" if is_shadowing else ""
            raise SetupError(bad.found + where, bad.fix)
        setup.tell.line("note", f"{bad.found}; {bad.fix}")
        setup.secret("deepgram_api_key", "DEEPGRAM_API_KEY", "deepgram.api_key", _KEY_IS_AT)
    for finding in findings:
        tell_finding(setup, finding)


async def _probed(setup: Setup) -> Sequence[Finding]:
    return await deepgram.run(examine(setup.folder, setup.environ))


def tell_finding(setup: Setup, finding: Finding) -> None:
    """Tell one of the doctor's findings."""
    if finding.verdict == "ok":
        setup.tell.line("ok", finding.found)
    else:
        setup.tell.line("note", f"{finding.found}; {finding.fix}" if finding.fix else finding.found)


def twilio_account(setup: Setup) -> None:
    """Have an account and its auth token, both proved by Twilio; and an API key proved too, where there is one."""
    setup.have("twilio_account_sid", "TWILIO_ACCOUNT_SID", "twilio.account_sid", _SID_IS_AT, is_secret=False)
    setup.have("twilio_auth_token", "TWILIO_AUTH_TOKEN", "twilio.auth_token", _AUTH_IS_AT)
    _tell_account(setup, _proved(setup))
    key, secret = setup.ask.known("twilio_api_key"), setup.ask.known("twilio_api_secret")
    if key and secret and setup.settings.twilio.api_key is None:
        dotenv.put(setup.folder, {"TWILIO_API_KEY": key, "TWILIO_API_SECRET": secret})
    if setup.settings.twilio.api_key is not None:
        setup.run(_by_key(setup.settings))
        setup.tell.line("ok", "Twilio takes the API key too; it is what asks Twilio from now on")


def _proved(setup: Setup) -> Account:
    """Ask Twilio; where it takes the credentials for wrong ones, ask a person again."""
    while True:
        try:
            return setup.run(_account(setup.settings))
        except CarrierRefused as refused:
            if not setup.ask.is_person:
                raise
            _must_be_askable(setup, refused)
            setup.tell.line("note", str(refused))
            _ask_sid(setup)
            _ask_token(setup)


def _must_be_askable(setup: Setup, refused: CarrierRefused) -> None:
    """Raise SetupError where an answer would not count: what is set in the environment counts over `.env`."""
    loaded = setup.load()
    names = {"twilio.account_sid": "TWILIO_ACCOUNT_SID", "twilio.auth_token": "TWILIO_AUTH_TOKEN"}
    above = [name for key, name in names.items() if not loaded.origin(key).startswith(".env")]
    if above:
        fix = f"{' and '.join(above)}: set in this terminal's environment, which counts over .env; remove it there"
        raise SetupError(str(refused), fix)


def _ask_sid(setup: Setup) -> None:
    setup.secret("twilio_account_sid", "TWILIO_ACCOUNT_SID", "twilio.account_sid", _SID_IS_AT, is_secret=False)


def _ask_token(setup: Setup) -> None:
    setup.secret("twilio_auth_token", "TWILIO_AUTH_TOKEN", "twilio.auth_token", _AUTH_IS_AT)


async def _account(settings: Settings) -> Account:
    """Ask with the auth token, even where an API key is there: the server checks signatures with the token."""
    sid, token = settings.twilio.account_sid, settings.twilio.auth_token
    assert sid is not None
    assert token is not None
    deadlines = Deadlines(settings.timeouts.carrier_s, settings.timeouts.carrier_total_s)
    async with Carrier(Credentials(sid, sid, token.get_secret_value()), settings.twilio.api_url, deadlines) as carrier:
        return await carrier.account()


async def _by_key(settings: Settings) -> None:
    async with Carrier.of(settings) as carrier:
        await carrier.numbers.all(limit=1)


def _tell_account(setup: Setup, account: Account) -> None:
    finding = twilio.judge(account)
    if finding.verdict == "fail":
        raise SetupError(finding.found, finding.fix)
    tell_finding(setup, finding)
    if account.is_trial:
        setup.tell.line("note", "you may go on, but as long as it is a trial, callers may hear nothing of the agent")
