"""Makes the simulated call of a scenario: who calls whom, over which line, with which steps. Does not run it."""

from __future__ import annotations

from typing import Any, Final

from offhook.scenario.reading import Named, ScenarioError
from offhook.scenario.shape import CallerPart
from offhook.scenario.tables import given
from offhook.scenario.target import Target
from offhook.scenario.world import Speak
from offhook.sim.behaviour import Behaviour
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import Step, WaitForAgent
from offhook.sim.identity import CallIdentity
from offhook.sim.interpreter import DialOutcome
from offhook.sim.scenario import StepError, prepare
from offhook.trace import OnEntry

#: `<Say>`, `<Pause>` and `<Dial>` pass this many times as fast: nobody listens to them here.
VERB_SPEED: Final = 10.0


async def steps_of(named: Named, speak: Speak) -> list[Step]:
    """Return what the caller does, with its audio. Raises `ScenarioError` for a recording that cannot be read."""
    steps = named.scenario.who.steps
    if steps is None:
        return [WaitForAgent()]
    try:
        return await prepare(steps, speak, named.folder)
    except StepError as error:
        raise ScenarioError([f"{named.name}: {error}"]) from None


def call_of(named: Named, steps: list[Step], target: Target, on_wire: OnEntry) -> SimulatedCall:
    """Return the call."""
    who = named.scenario.who
    behaviour = Behaviour(**{"sign_as": target.sign_as, **_chosen(who)})
    options = CallOptions(
        auth_token=target.auth_token if who.auth == "signed" else None,
        identity=_identity(who, target),
        behaviour=behaviour,
        parameters=who.parameters,
        status_url=target.status_url,
        dial=DialOutcome(**given(who.dial)),
        limit_s=named.scenario.expect.within_s,
        verb_speed=VERB_SPEED,
        on_wire=on_wire,
        reach=target.reach,
    )
    return SimulatedCall(target.url, steps, options)


def _identity(who: CallerPart, target: Target) -> CallIdentity:
    given_names = {"account_sid": who.account or target.account_sid, "caller": who.caller, "called": who.to}
    return CallIdentity(**{name: value for name, value in given_names.items() if value})


def _chosen(who: CallerPart) -> dict[str, Any]:
    """Return what the file says of the line; what it does not say is the target's business."""
    line = given(who.line)
    return {name: value for name, value in line.items() if name != "sign_as" or value is not None}
