"""Makes what a simulated call needs of a scenario: who calls whom, over which line, with which steps. Calls nobody."""

from __future__ import annotations

from offhook.scenario.reading import Named, ScenarioError
from offhook.scenario.shape import CallerPart
from offhook.scenario.tables import given
from offhook.scenario.target import Target
from offhook.scenario.world import Speak
from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import Step, WaitForAgent
from offhook.sim.identity import CallIdentity
from offhook.sim.life import Life, Remark
from offhook.sim.network import PROFILES, Network
from offhook.sim.options import CallOptions
from offhook.sim.outbound import Detection, Outbound, Pickup
from offhook.sim.plan import DialOutcome, QueueOutcome
from offhook.sim.scenario import StepError, prepare


async def steps_of(named: Named, speak: Speak) -> list[Step]:
    """Return what the caller does, with its audio. Raises `ScenarioError` for a recording that cannot be read."""
    steps = named.scenario.who.steps
    if steps is None:
        return [WaitForAgent()]
    try:
        return await prepare(steps, speak, named.folder)
    except StepError as error:
        raise ScenarioError([f"{named.name}: {error}"]) from None


async def options_of(who: CallerPart, target: Target, speak: Speak) -> CallOptions:
    """Return how the call is made: by whom, over which line, to whom."""
    life = given(who.life)
    remarks = [Remark(await speak(text), text) for text in life.pop("remarks")]
    return CallOptions(
        auth_token=target.auth_token if who.auth == "signed" else None,
        identity=_identity(who, target),
        behaviour=Behaviour(**given(who.line)),
        network=PROFILES[who.network] if isinstance(who.network, str) else Network(**given(who.network)),
        life=Life(**life, remarks=remarks),
        parameters=who.parameters,
        status_url=target.status_url,
        dial=DialOutcome(**given(who.dial)),
        queue=QueueOutcome(**given(who.queue)),
        outbound=_outbound(who),
        trial=who.trial,
        reach=target.reach,
    )


def _outbound(who: CallerPart) -> Outbound | None:
    """Return how Twilio places the call, where it does."""
    if who.pickup is None and who.detection is None:
        return None
    detection = None if who.detection is None else Detection(**given(who.detection))
    return Outbound(Pickup() if who.pickup is None else Pickup(**given(who.pickup)), detection)


def _identity(who: CallerPart, target: Target) -> CallIdentity:
    names = {"account_sid": who.account or target.account_sid, "caller": who.caller, "called": who.to}
    return CallIdentity(**{name: value for name, value in names.items() if value})
