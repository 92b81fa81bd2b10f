"""Does Twilio take our credentials, and may the account connect calls to a stream? Changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from offhook.carrier.account import Account, credentials_of
from offhook.carrier.client import Carrier
from offhook.carrier.transport import Deadlines
from offhook.errors import CarrierBusy, CarrierError, CarrierRefused, CarrierUnavailable
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip

ACCOUNT: Final = "twilio-account"
_EXPECTED: Final = "an active Twilio account that takes these credentials"
#: The doctor has fifteen seconds for everything.
_DEADLINES: Final = Deadlines(request_s=8.0, total_s=9.0)


async def run(patient: Patient) -> Sequence[Finding]:
    """Ask who we are."""
    if unasked(patient):
        return [skip(ACCOUNT, "no Twilio credentials to try")]
    try:
        return [judge(await account(patient))]
    except CarrierError as error:
        return [refused(ACCOUNT, error)]


def unasked(patient: Patient) -> bool:
    """Whether there are no credentials to ask with."""
    settings = patient.settings
    if settings is None:
        return True
    try:
        credentials_of(settings.twilio)
    except CarrierRefused:
        return True
    return False


@asynccontextmanager
async def carrier_of(patient: Patient) -> AsyncIterator[Carrier]:
    """Open the REST API with the patient's credentials and the doctor's patience."""
    assert patient.settings is not None
    twilio = patient.settings.twilio
    async with Carrier(credentials_of(twilio), twilio.api_url, _DEADLINES) as carrier:
        yield carrier


async def account(patient: Patient) -> Account:
    """Return the account; asked once for all checks. Raises CarrierError."""

    async def ask() -> Account:
        async with carrier_of(patient) as carrier:
            return await carrier.account()

    return await patient.once("twilio-account", ask)


def judge(found: Account) -> Finding:
    """Say what the account is good for."""
    if not found.is_usable:
        return _bad(
            "inactive", f"the account is {found.status}", "look for a message about funds or policy in the console"
        )
    if found.is_trial:
        return Finding(
            ACCOUNT,
            "warn",
            "a trial account: Twilio takes <Stream> out of its calls, so that no caller reaches the agent",
            "trial",
            "an upgraded account",
            "upgrade the account in the Twilio console; a trial may only be called by verified numbers, too",
        )
    if found.type == "unknown":
        return ok(ACCOUNT, "Twilio takes the API key, which may not say of what type the account is")
    return ok(ACCOUNT, "Twilio takes the credentials of an upgraded account")


def refused(check: str, error: CarrierError) -> Finding:
    """Say why Twilio did not answer as asked; the sentence holds the fix."""
    match error:
        case CarrierRefused() if error.code in (10001, 20005):
            cause = "inactive"
        case CarrierRefused() if error.code == 20008:
            cause = "test-credentials"
        case CarrierRefused():
            cause = "refused"
        case CarrierBusy():
            cause = "busy"
        case CarrierUnavailable():
            cause = "unreachable"
        case _:
            cause = "rejected"
    found, _, fix = str(error).partition("; ")
    return Finding(check, "fail", found, cause, _EXPECTED, fix or "try again in a minute")


def _bad(cause: str, found: str, fix: str) -> Finding:
    return Finding(ACCOUNT, "fail", found, cause, _EXPECTED, fix)
