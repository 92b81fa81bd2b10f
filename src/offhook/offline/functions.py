"""Function calls of one call: asked for, answered, cancelled; server-side ones really called. No turn logic.

Voice Agent reference, "Function Call Request", "Function Call Cancelled", "Speculative Replies": calls go out while
the turn is still speculative unless ``defer_until_eot``; late answers to cancelled or unknown ids are dropped.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from offhook.offline import events
from offhook.offline.events import Outlet
from offhook.offline.live import NO_FILLING, Filling
from offhook.offline.ports import Called, FunctionSpec

if TYPE_CHECKING:
    import aiohttp

#: One HTTP request to a server-side function, whole.
ENDPOINT_S: Final = 10.0
#: Longest answer kept from a server-side function.
ANSWER_BYTES: Final = 65536


class Asker(Protocol):
    """Who asks for functions: a reply."""

    is_over: bool


class UndefinedFunctionError(Exception):
    """The brain named a function that the Settings do not define."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A function of the current Settings: what the brain knows of it, and where it runs."""

    spec: FunctionSpec
    endpoint: Mapping[str, Any] | None = None
    filling: Filling = NO_FILLING

    @property
    def client_side(self) -> bool:
        """Whether the client runs it."""
        return self.endpoint is None


@dataclass(frozen=True, slots=True)
class Customs:
    """What the vendor leaves open: the form of ids, patience for an answer, and where endpoints may be."""

    ids: Literal["counted", "call", "fc"] = "counted"
    patience_s: float | None = None
    hosts: frozenset[str] = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class _Open:
    """A call that is not answered: as it was asked for, by whom, and what it was defined as then."""

    call: Called
    function: Defined
    answer: asyncio.Future[str]
    asker: Asker


@dataclass(slots=True)
class Functions:
    """The functions of one call and their open calls; ``signed``: as some Gemini models do."""

    out: Outlet
    history: bool
    defined: dict[str, Defined] = field(default_factory=dict)
    customs: Customs = field(default_factory=Customs)
    signed: bool = False
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _open: dict[str, _Open] = field(default_factory=dict)

    def specs(self) -> tuple[FunctionSpec, ...]:
        """Return what a brain may call."""
        return tuple(one.spec for one in self.defined.values())

    def answer(self, call_id: str | None, name: str, content: str) -> bool:
        """Take a client's answer; without an id, the oldest open call of that name. False: nobody asked."""
        if call_id is None:
            call_id = next((key for key, one in self._open.items() if one.call.name == name), None)
        one = self._open.get(call_id or "")
        if one is None or one.answer.done() or not one.function.client_side:
            return False
        one.answer.set_result(content)
        return True

    def withdraw(self, asker: Asker) -> None:
        """Cancel every open call of one reply, which is being cancelled too."""
        withdrawn = [one.call for one in self._open.values() if one.asker is asker]
        for call in withdrawn:
            del self._open[call.id]
        if withdrawn:
            self.out.event(events.function_cancelled(withdrawn))

    async def call(
        self, calls: Sequence[Called], defined: Mapping[str, Defined], confirmed: asyncio.Event, asker: Asker
    ) -> list[Called]:
        """Ask for all of ``calls``, wait for every answer, and return them answered, in order.

        ``defined`` is what the brain was told of; `UpdateThink` may have replaced it since. An aborted asker's task
        may run once more before its cancellation arrives, and must not ask then.

        Raises `UndefinedFunctionError`.
        """
        if any(call.name not in defined for call in calls):
            raise UndefinedFunctionError
        calls = [call if call.id else replace(call, id=self._new_id()) for call in calls]
        now = [call for call in calls if not defined[call.name].spec.defer_until_eot or confirmed.is_set()]
        later = [call for call in calls if call not in now]
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._ask(now, defined, asker))
            if later:
                await confirmed.wait()
            second = group.create_task(self._ask(later, defined, asker))
        answers = {call.id: call for call in (*first.result(), *second.result())}
        return [answers[call.id] for call in calls]

    async def _ask(self, calls: Sequence[Called], defined: Mapping[str, Defined], asker: Asker) -> list[Called]:
        if not calls or asker.is_over:
            return list(calls)
        loop = asyncio.get_running_loop()
        waiting = {call.id: _Open(call, defined[call.name], loop.create_future(), asker) for call in calls}
        self._open.update(waiting)
        asked = [(one.call, one.function.client_side) for one in waiting.values()]
        self.out.event(events.function_request(asked, signed=self.signed))
        async with asyncio.TaskGroup() as group:
            each = [group.create_task(self._one(one)) for one in waiting.values()]
        return [task.result() for task in each]

    async def _one(self, one: _Open) -> Called:
        call, function = one.call, one.function
        if function.endpoint is not None:
            one.answer.set_result(await self._fetch(call, function.endpoint))
        done = replace(call, response=await self._patiently(call, one.answer))
        if self._open.pop(call.id, None) is None:
            return done  # withdrawn in the meantime
        if not function.client_side:
            self.out.event(events.function_response(done))
        if self.history:
            self.out.event(events.history_calls([(done, function.client_side)], signed=self.signed))
        return done

    async def _patiently(self, call: Called, future: asyncio.Future[str]) -> str:
        try:
            async with asyncio.timeout(self.customs.patience_s):
                return await future
        except TimeoutError:
            return self._failed(f"Function {call.name} was not answered in time.", "timeout")

    def _new_id(self) -> str:
        match self.customs.ids:
            case "counted":
                return f"call_{next(self._count)}"
            case "call":
                return f"call_{uuid.uuid4().hex[:24]}"
            case "fc":
                return f"fc_{uuid.uuid4()}"

    def _failed(self, said: str, problem: str) -> str:
        self.out.event(events.warning("FUNCTION_CALL_FAILED", said))
        return json.dumps({"error": problem})

    async def _fetch(self, call: Called, endpoint: Mapping[str, Any]) -> str:
        import aiohttp

        if not self._may_call(str(endpoint["url"])):
            return self._failed(
                f"The endpoint of function {call.name}: this offline server may not call its host.", "host not allowed"
            )
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ENDPOINT_S)) as session,
                session.request(
                    str(endpoint.get("method", "POST")).upper(),
                    str(endpoint["url"]),
                    data=call.arguments.encode(),
                    headers={"Content-Type": "application/json", **endpoint.get("headers", {})},
                    allow_redirects="*" in self.customs.hosts,
                ) as response,
            ):
                if response.status < 300:
                    return await _answer(response.content)
                problem = f"HTTP {response.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
            problem = type(failure).__name__
        return self._failed(f"The endpoint of function {call.name}: {problem}.", problem)

    def _may_call(self, url: str) -> bool:
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        return "*" in self.customs.hosts or host in self.customs.hosts


async def _answer(content: aiohttp.StreamReader) -> str:
    """Return the whole answer of an endpoint, in however many pieces it comes; what is over the bound is cut."""
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) >= ANSWER_BYTES:
            break
    return bytes(body[:ANSWER_BYTES]).decode("utf-8", "replace")
