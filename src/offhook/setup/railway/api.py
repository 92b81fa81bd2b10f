"""One conversation with Railway's GraphQL API: tokens, deadlines, refusals in plain words. Knows no particular step."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp

from offhook.config.railway import API_URL, RailwayAccess
from offhook.errors import RailwayError
from offhook.setup.railway.operations import Operation

Kind = Literal["project", "bearer"]
#: One request. Creating things at Railway takes seconds at times.
REQUEST_S: Final = 30.0
#: A question that got no answer is asked again this often; a change never is: the next run finds what it made.
ATTEMPTS: Final = 3
PAUSE_S: Final = 0.5
#: A refusal for too many requests is waited out up to here.
LONGEST_WAIT_S: Final = 60.0
#: Between two looks at a deployment, where the hour's allowance is not scarce.
LOOK_S: Final = 2.0
_SHOWN: Final = 300
_UNKNOWN_FIELD: Final = re.compile(r"""[Cc]annot query field ["'](\w+)["']""")


@dataclass(frozen=True, slots=True)
class Token:
    """A token and how it is presented: a project token has a header of its own."""

    kind: Kind
    value: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        if self.kind == "project":
            return {"Project-Access-Token": self.value}
        return {"Authorization": f"Bearer {self.value}"}


def token_of(access: RailwayAccess) -> Token | None:
    """Return the token to use: the project's, which sees least, before the account's."""
    if access.token is not None:
        return Token("project", access.token.get_secret_value())
    return Token("bearer", access.api_token.get_secret_value()) if access.api_token is not None else None


@dataclass(slots=True)
class Allowance:
    """What is left of the hour's requests, as the last answer said."""

    limit: int | None = None
    remaining: int | None = None
    resets_at: float | None = None

    def heard(self, headers: Mapping[str, str], now: float) -> None:
        """Read the rate-limit headers of an answer."""
        self.limit = _whole(headers.get("X-RateLimit-Limit")) or self.limit
        remaining = _whole(headers.get("X-RateLimit-Remaining"))
        self.remaining = self.remaining if remaining is None else remaining
        reset = _whole(headers.get("X-RateLimit-Reset"))
        if reset is not None:  # seconds left, or the moment itself
            self.resets_at = now + reset if reset < 10_000_000 else float(reset if reset < 10**11 else reset // 1000)

    def pause_s(self, now: float) -> float:
        """Return how long to wait between two looks so that the allowance lasts until it is renewed."""
        if self.remaining is None or self.resets_at is None or self.resets_at <= now:
            return LOOK_S if self.limit is None or self.limit >= 1000 else 15.0
        spread = (self.resets_at - now) / max(self.remaining - 10, 1)
        return min(max(LOOK_S, spread), LONGEST_WAIT_S)


class Railway:
    """The API with one token. Every error is a RailwayError without any secret in it.

    ``url`` may be a stand-in's. ``look_s`` is the pause between two looks; otherwise the allowance decides.
    ``patience_s`` is how long a refusal for too many requests is waited out.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: Token,
        url: str = API_URL,
        look_s: float | None = None,
        patience_s: float = LONGEST_WAIT_S,
    ) -> None:
        self.token, self.url, self.look_s, self.patience_s = token, url, look_s, patience_s
        self.allowance = Allowance()
        self.requests = 0
        self.hides_names = False  # this token may not see the names of variables: found out once
        self._session = session
        self._gone: set[str] = set()

    def pause_s(self) -> float:
        """Return how long to wait before the next look at something that takes its time."""
        return self.look_s if self.look_s is not None else self.allowance.pause_s(time.time())

    async def ask(self, operation: Operation, **variables: Any) -> dict[str, Any]:
        """Send one operation and return its ``data``, without optional fields that Railway does not know any more."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._judged(operation, variables, *await self._post(operation, variables))
            except _GoneError as gone:
                self._gone.add(gone.field)
            except _AgainError as again:
                is_last = attempt >= ATTEMPTS or (operation.is_mutation and not again.was_refused)
                if is_last or again.after_s > self.patience_s:
                    raise again.error from None
                await asyncio.sleep(again.after_s)

    async def ask_if_allowed(self, operation: Operation, **variables: Any) -> dict[str, Any] | None:
        """Ask what is good to know but not needed; None where this token may not know, or Railway does not any more."""
        try:
            return await self.ask(operation, **variables)
        except RailwayError as error:
            if error.case not in ("not-authorized", "refused"):
                raise
            return None

    async def _post(self, operation: Operation, variables: Mapping[str, Any]) -> tuple[int, Mapping[str, str], Any]:
        sent = {"query": operation.without(self._gone), "operationName": operation.name, "variables": variables}
        self.requests += 1
        try:
            async with self._session.post(
                self.url, json=sent, headers=self.token.headers, timeout=aiohttp.ClientTimeout(REQUEST_S)
            ) as answer:
                self.allowance.heard(answer.headers, time.time())
                try:
                    return answer.status, answer.headers, await answer.json(content_type=None)
                except ValueError:
                    return answer.status, answer.headers, None
        except (aiohttp.ClientError, OSError) as error:
            raise _AgainError(_unreached(self.url, error), PAUSE_S, was_refused=False) from None

    def _judged(
        self, operation: Operation, variables: Mapping[str, Any], status: int, headers: Mapping[str, str], body: Any
    ) -> dict[str, Any]:
        if status == 429:
            after = float(_whole(headers.get("Retry-After")) or 15)
            raise _AgainError(_too_many(after, self.allowance.limit), after, was_refused=True)
        if status >= 500:
            error = RailwayError("vendor-down", f"Railway answers {status}", "look at its status page, then run again")
            raise _AgainError(error, PAUSE_S, was_refused=False)
        if not isinstance(body, dict):
            raise RailwayError(
                "not-the-api",
                f"{urlsplit(self.url).hostname} answers {status} without JSON",
                f"is railway.api_url right? Railway's own is {API_URL}",
            )
        if body.get("errors"):
            message = str(_first_message(body))
            unknown = _UNKNOWN_FIELD.search(message)
            if unknown is not None and unknown[1] in operation.optional - self._gone:
                raise _GoneError(unknown[1])
            raise _refused(operation, _without(message, variables))
        if status >= 400 or not isinstance(body.get("data"), dict):
            raise RailwayError("refused", f"Railway answers {status} to {operation.name}", "run again")
        data: dict[str, Any] = body["data"]
        return data


class _GoneError(Exception):
    """A field of ours that Railway's schema does not have any more."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class _AgainError(Exception):
    """An answer that may be another one later. ``was_refused``: it certainly changed nothing."""

    def __init__(self, error: RailwayError, after_s: float, *, was_refused: bool) -> None:
        super().__init__()
        self.error, self.after_s, self.was_refused = error, after_s, was_refused


def _first_message(body: Mapping[str, Any]) -> Any:
    first = body["errors"][0] if isinstance(body["errors"], list) else body["errors"]
    return first.get("message", "no reason") if isinstance(first, dict) else first


def _refused(operation: Operation, message: str) -> RailwayError:
    if "not authorized" in message.lower():  # it also hides "not found" and "wrong kind of token"
        return RailwayError(
            "not-authorized",
            f"Railway does not let this token do {operation.name}, or does not know what it names",
            "a project token sees one environment of one project and creates no project; check the token and the names",
        )
    if "free plan" in message.lower() or "resource provision limit" in message.lower():
        return RailwayError("plan", f"the plan does not allow it: {message}", "upgrade the plan, or ask for less")
    return RailwayError("refused", f"Railway refuses {operation.name}: {message}", "correct that, then run again")


def _too_many(after_s: float, limit: int | None) -> RailwayError:
    allowed = f" (the plan allows {limit} an hour)" if limit else ""
    wait = f"{after_s:.0f} seconds" if after_s < 120 else f"{math.ceil(after_s / 60)} minutes"
    return RailwayError("rate-limited", f"Railway has had too many requests{allowed}", f"run again in {wait}")


def _unreached(url: str, error: Exception) -> RailwayError:
    why = "no answer in time" if isinstance(error, TimeoutError) else "no connection"
    host = urlsplit(url).hostname
    return RailwayError("unreachable", f"{host} cannot be reached: {why}", "look at this machine's connection")


def _without(message: str, variables: Mapping[str, Any]) -> str:
    """Return Railway's words without any value of a variable that we sent."""
    for value in sorted(_texts(variables.get("input", {})), key=len, reverse=True):
        if len(value) >= 6:
            message = message.replace(value, "…")
    return " ".join(message.split())[:_SHOWN]


def _texts(tree: Any, within: bool = False) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _texts(value, within or name == "variables")
    elif within and isinstance(tree, str):
        yield tree


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except ValueError:
        return None
