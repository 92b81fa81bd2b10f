"""The scenario file: its tables, their fields, what each means. Types only; `reading` takes files.

::

    title = "Interrupts a long answer"

    [caller]
    [[caller.steps]]
    do = "interrupt"
    after_ms = 500
    text = "Stop."

    [agent.script]
    greeting = "This goes on for a while, so that one can interrupt it."

    [expect]
    barge_ins = 1
    clears = 1

The tables of steps, faults, moments, manners and the line are made of the classes that do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, Union, get_args

import msgspec
from msgspec import Meta

from offhook.offline import faults as offline_faults
from offhook.offline.manners import Manners
from offhook.offline.script import Script
from offhook.scenario.expect import Expect
from offhook.scenario.tables import snake, table_of
from offhook.sim.behaviour import Behaviour
from offhook.sim.life import Life
from offhook.sim.network import Network
from offhook.sim.outbound import Detection, Pickup
from offhook.sim.plan import DialOutcome, QueueOutcome
from offhook.sim.scenario import STEPS, FileStep

_ACTIONS: Final[dict[str, type]] = {snake(kind.__name__): kind for kind in get_args(offline_faults.Action)}

if TYPE_CHECKING:
    LineTable: TypeAlias = Any
    FaultTable: TypeAlias = Any
    MannersTable: TypeAlias = Any
    Moment: TypeAlias = Any
    DialTable: TypeAlias = Any
    LifeTable: TypeAlias = Any
    NetworkTable: TypeAlias = Any
    QueueTable: TypeAlias = Any
    PickupTable: TypeAlias = Any
    DetectionTable: TypeAlias = Any
else:
    LineTable = table_of("Line", Behaviour)
    FaultTable = table_of("Faults", offline_faults.Faults, leave_out=("at",))
    MannersTable = table_of("Manners", Manners)
    DialTable = table_of("Dial", DialOutcome, leave_out=("says",))
    LifeTable = table_of("Life", Life, leave_out=("background",), instead={"remarks": list[str]})
    NetworkTable = table_of("Network", Network)
    QueueTable = table_of("Queue", QueueOutcome)
    PickupTable = table_of("Pickup", Pickup)
    DetectionTable = table_of("Detection", Detection)
    Moment = Union[  # noqa: UP007  # built from a list
        tuple(table_of(f"At{kind.__name__}", offline_faults.At, kind, tag=word) for word, kind in _ACTIONS.items())
    ]

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
AtLeastZero = Annotated[int, Meta(ge=0)]
#: `offhook.sim.network.PROFILES` by name.
Profile = Literal["none", "landline", "mobile", "poor-mobile", "intercontinental"]
Steps = Annotated[list[FileStep], Meta(min_length=1, max_length=STEPS)]
Number = Annotated[str, Meta(min_length=1, max_length=64)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class CallerPart(_Table, frozen=True, kw_only=True, rename={"caller": "from"}):
    """Who calls, over which line, and what the caller does."""

    caller: Annotated[Number | None, Meta(description="The caller's number.")] = None
    to: Annotated[Number | None, Meta(description="The called number.")] = None
    parameters: Annotated[
        dict[str, str], Meta(description="Custom parameters of a stream that is dialled directly.")
    ] = {}
    steps: Annotated[
        Steps | None, Meta(description="What the caller does. Without any: listens once and hangs up.")
    ] = None
    line: Annotated[LineTable, Meta(description="How the simulated Twilio behaves.")] = msgspec.field(
        default_factory=LineTable
    )
    network: Annotated[
        Profile | NetworkTable, Meta(description="The telephone network: one that is known by name, or its figures.")
    ] = "none"
    life: Annotated[LifeTable, Meta(description="What the caller does beside the steps.")] = msgspec.field(
        default_factory=LifeTable
    )
    trial: Annotated[
        Literal["no", "current", "legacy"], Meta(description="Whether the Twilio account is a trial's.")
    ] = "no"
    dial: Annotated[DialTable, Meta(description="What becomes of a `<Dial>`.")] = msgspec.field(
        default_factory=DialTable
    )
    queue: Annotated[QueueTable, Meta(description="Who takes a caller out of an `<Enqueue>`.")] = msgspec.field(
        default_factory=QueueTable
    )
    pickup: Annotated[
        PickupTable | None,
        Meta(description="Given: Twilio places the call, and the steps are those of the one who is called."),
    ] = None
    detection: Annotated[
        DetectionTable | None, Meta(description="Given: Twilio places the call and detects answering machines.")
    ] = None
    lines_taken: Annotated[
        int, Meta(ge=0, le=20, description="So many other callers are on the line already, and stay.")
    ] = 0
    auth: Annotated[
        Literal["signed", "unsigned"], Meta(description="Whether webhooks and streams carry a signature.")
    ] = "signed"
    account: Annotated[Number | None, Meta(description="The account the call comes from; otherwise the right one.")] = (
        None
    )


class AgentPart(_Table, frozen=True, kw_only=True):
    """The agent at the other end. Without this table it is scripted, quick, and does everything right."""

    mind: Annotated[
        Literal["scripted", "speaking"],
        Meta(description="`scripted` needs nothing; `speaking` understands and speaks, with the extra `offline`."),
    ] = "scripted"
    script: Annotated[Script | None, Meta(description="What is recognised, what is answered.")] = None
    script_file: Annotated[Text | None, Meta(description="The script in a file of its own, beside this one.")] = None
    faults: Annotated[FaultTable | None, Meta(description="What goes wrong, for the whole call.")] = None
    at: Annotated[list[Moment], Meta(max_length=50, description="What goes wrong at a moment.")] = []
    manners: Annotated[MannersTable | None, Meta(description="What the vendor's documents leave open.")] = None
    concurrency: Annotated[AtLeastZero | None, Meta(description="Live calls before 429.")] = None
    faulty_from: Annotated[
        Literal["call", "start"],
        Meta(description="Whether faults hold for the call only, or for the check at the server's start too."),
    ] = "call"

    @property
    def is_plain(self) -> bool:
        """Whether nothing here asks for an agent that is made for it: the real one will do."""
        return self == AgentPart(mind=self.mind)


class Scenario(_Table, frozen=True, kw_only=True, rename={"caller_number": "from"}):
    """One scenario. `from`, `to`, `parameters` and `steps` may stand here instead of in `[caller]`."""

    title: Annotated[Text, Meta(description="What happens, in a few words.")] = "A call"
    why: Annotated[Text | None, Meta(description="Why anybody should care, in one line.")] = None
    source: Annotated[Text | None, Meta(description="The vendor's page, the issue, or the catalogue it is from.")] = (
        None
    )
    stands_for: Annotated[list[str], Meta(description="Ids it stands for, like `A10`.")] = []
    caller_number: Annotated[Number | None, Meta(description="Short for `caller.from`.")] = None
    to: Annotated[Number | None, Meta(description="Short for `caller.to`.")] = None
    parameters: Annotated[dict[str, str] | None, Meta(description="Short for `caller.parameters`.")] = None
    steps: Annotated[Steps | None, Meta(description="Short for `caller.steps`.")] = None
    caller: Annotated[CallerPart | None, Meta(description="Who calls.")] = None
    agent: Annotated[AgentPart, Meta(description="The agent.")] = AgentPart()
    server: Annotated[
        dict[str, Any], Meta(description="Settings of offhook's own server, as in offhook.toml, for this call only.")
    ] = {}
    expect: Annotated[Expect, Meta(description="What must come of it.")] = Expect()

    @property
    def who(self) -> CallerPart:
        """The caller, wherever the file says so."""
        part = self.caller or CallerPart()
        short = {
            "caller": self.caller_number,
            "to": self.to,
            "parameters": self.parameters,
            "steps": self.steps,
        }
        return msgspec.structs.replace(part, **{name: value for name, value in short.items() if value is not None})


def actions() -> dict[str, type]:
    """Return what can go wrong at a moment: the word of `do` and the class it makes."""
    return dict(_ACTIONS)
