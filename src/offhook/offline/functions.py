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
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from offhook.offline import events
from offhook.offline.events import Outlet
from offhook.offline.ports import Called, FunctionSpec

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


@dataclass(slots=True)
class Functions:
    """The functions of one call and their open calls."""

    out: Outlet
    history: bool
    defined: dict[str, Defined] = field(default_factory=dict)
    customs: Customs = field(default_factory=Customs)
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _open: dict[str, tuple[Called, asyncio.Future[str], Asker]] = field(default_factory=dict)

    def specs(self) -> tuple[FunctionSpec, ...]:
        """Return what a brain may call."""
        return tuple(one.spec for one in self.defined.values())

    def answer(self, call_id: str | None, name: str, content: str) -> bool:
        """Take a client's answer; without an id, the oldest open call of that name. False: nobody asked."""
        if call_id is None:
            call_id = next((key for key, (call, _, _) in self._open.items() if call.name == name), None)
        called, answered, _ = self._open.get(call_id or "", (None, None, None))
        if called is None or answered is None or answered.done() or not self.defined_for(called).client_side:
            return False
        answered.set_result(content)
        return True

    def defined_for(self, called: Called) -> Defined:
        """Return the definition; a function replaced while it was open counts as the client's."""
        return self.defined.get(called.name, Defined(FunctionSpec(called.name)))

    def withdraw(self, asker: Asker) -> None:
        """Cancel every open call of one reply, which is being cancelled too."""
        withdrawn = [call for call, _, owner in self._open.values() if owner is asker]
        for call in withdrawn:
            del self._open[call.id]
        if withdrawn:
            self.out.event(events.function_cancelled(withdrawn))

    async def call(self, calls: Sequence[Called], confirmed: asyncio.Event, asker: Asker) -> list[Called]:
        """Ask for all of ``calls``, wait for every answer, and return them answered, in order.

        An aborted asker's task may run once more before its cancellation arrives, and must not ask then.

        Raises `UndefinedFunctionError`.
        """
        if any(call.name not in self.defined for call in calls):
            raise UndefinedFunctionError
        calls = [call if call.id else replace(call, id=self._new_id()) for call in calls]
        now = [call for call in calls if not self.defined[call.name].spec.defer_until_eot or confirmed.is_set()]
        later = [call for call in calls if call not in now]
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._ask(now, asker))
            if later:
                await confirmed.wait()
            second = group.create_task(self._ask(later, asker))
        answers = {call.id: call for call in (*first.result(), *second.result())}
        return [answers[call.id] for call in calls]

    async def _ask(self, calls: Sequence[Called], asker: Asker) -> list[Called]:
        if not calls or asker.is_over:
            return list(calls)
        loop = asyncio.get_running_loop()
        waiting = {call.id: (call, loop.create_future(), asker) for call in calls}
        self._open.update(waiting)
        self.out.event(events.function_request((call, self.defined[call.name].client_side) for call in calls))
        async with asyncio.TaskGroup() as group:
            each = [group.create_task(self._one(call, future)) for call, future, _ in waiting.values()]
        return [task.result() for task in each]

    async def _one(self, call: Called, future: asyncio.Future[str]) -> Called:
        function = self.defined[call.name]
        if function.endpoint is not None:
            future.set_result(await self._fetch(call, function.endpoint))
        done = replace(call, response=await self._patiently(call, future))
        if self._open.pop(call.id, None) is None:
            return done  # withdrawn in the meantime
        if not function.client_side:
            self.out.event(events.function_response(done))
        if self.history:
            self.out.event(events.history_calls([(done, function.client_side)]))
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
                body = await response.content.read(ANSWER_BYTES)
                if response.status < 300:
                    return body.decode("utf-8", "replace")
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
