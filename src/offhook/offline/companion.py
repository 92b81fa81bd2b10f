"""The REST paths beside the socket: models, grants, stored agents and their variables. Opens no call.

Voice Agent reference, "Companion REST endpoints". Stored configurations need an API key; the list of models is public.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from aiohttp import web

from offhook.offline import voices
from offhook.offline.handshake import Doorman, Refusal, refusal
from offhook.offline.shelf import BadConfigError, Shelf, Stored, Variable

Answer = Callable[[web.Request], Awaitable[web.Response]]
_T = TypeVar("_T", Stored, Variable)
_PROJECT: Final = "/v1/projects/{project}"


class BadRequestError(Exception):
    """A body that is not as it must be; the text says where."""


class Companion:
    """Answers for one offline agent."""

    def __init__(self, doorman: Doorman, shelf: Shelf) -> None:
        self._doorman = doorman
        self._shelf = shelf

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        router, agents, variables = app.router, f"{_PROJECT}/agents", f"{_PROJECT}/agent-variables"
        router.add_get("/v1/agent/settings/think/models", self._models)
        router.add_post("/v1/auth/grant", self._grant)
        for method, path, answer in [
            ("POST", agents, self._store),
            ("GET", agents, self._agents),
            ("GET", agents + "/{id}", self._agent),
            ("PUT", agents + "/{id}", self._change_agent),
            ("DELETE", agents + "/{id}", self._forget_agent),
            ("POST", variables, self._name),
            ("GET", variables, self._variables),
            ("GET", variables + "/{id}", self._variable),
            ("PATCH", variables + "/{id}", self._change_variable),
            ("DELETE", variables + "/{id}", self._forget_variable),
        ]:
            router.add_route(method, path, self._managed(answer))

    def _managed(self, answer: Answer) -> Answer:
        async def checked(request: web.Request) -> web.Response:
            refused = self._doorman.refuses_management(request)
            if refused is not None:
                return _refused(refused)
            try:
                return await answer(request)
            except (BadRequestError, BadConfigError) as bad:
                return refusal(400, str(uuid.uuid4()), said=f"Invalid request: {bad}.")
            except LookupError:
                return refusal(404, str(uuid.uuid4()), said="No such agent or variable in this project.")

        return checked

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"models": voices.models()})

    async def _grant(self, request: web.Request) -> web.Response:
        try:
            ttl_s = _ttl(await _body(request, may_be_empty=True))
        except BadRequestError as bad:
            return refusal(400, str(uuid.uuid4()), said=f"Invalid request: {bad}.")
        token = self._doorman.grant(request, ttl_s)
        if isinstance(token, Refusal):
            return _refused(token)
        return web.json_response({"access_token": token, "expires_in": ttl_s})

    async def _store(self, request: web.Request) -> web.Response:
        body = await _body(request)
        config, metadata = body.get("config"), _metadata(body)
        if not isinstance(config, str):
            raise BadRequestError("config must be a string of JSON")
        stored = self._shelf.store(request.match_info["project"], config, metadata).shown()
        return web.json_response({name: stored[name] for name in ("agent_id", "config", "metadata")})

    async def _agents(self, request: web.Request) -> web.Response:
        project = request.match_info["project"]
        mine = [one.shown() for one in self._shelf.agents.values() if one.project == project]
        return web.json_response({"agents": mine})

    async def _agent(self, request: web.Request) -> web.Response:
        return web.json_response(_found(self._shelf.agents, request).shown())

    async def _change_agent(self, request: web.Request) -> web.Response:
        stored, body = _found(self._shelf.agents, request), await _body(request)
        if "config" in body:
            raise BadRequestError("config cannot be changed; store a new agent")
        stored.metadata = _metadata(body)
        stored.touch()
        return web.json_response(stored.shown())

    async def _forget_agent(self, request: web.Request) -> web.Response:
        del self._shelf.agents[_found(self._shelf.agents, request).agent_id]
        return web.json_response({})

    async def _name(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not isinstance(body.get("key"), str) or "value" not in body:
            raise BadRequestError("key and value are required")
        if body.get("is_sensitive", False) is not False:  # the docs demand it, the vendor's own SDK cannot send it
            raise BadRequestError("is_sensitive must be false")
        made = self._shelf.name(request.match_info["project"], body["key"], body["value"])
        return web.json_response(made.shown())

    async def _variables(self, request: web.Request) -> web.Response:
        project = request.match_info["project"]
        mine = [one.shown() for one in self._shelf.variables.values() if one.project == project]
        return web.json_response({"variables": mine})

    async def _variable(self, request: web.Request) -> web.Response:
        return web.json_response(_found(self._shelf.variables, request).shown())

    async def _change_variable(self, request: web.Request) -> web.Response:
        variable, body = _found(self._shelf.variables, request), await _body(request)
        if "value" not in body:
            raise BadRequestError("value is required")
        variable.change(body["value"])
        return web.json_response(variable.shown())

    async def _forget_variable(self, request: web.Request) -> web.Response:
        del self._shelf.variables[_found(self._shelf.variables, request).variable_id]
        return web.json_response({})


def _found(kept: dict[str, _T], request: web.Request) -> _T:
    """Return what the path names. Raises `LookupError`."""
    one = kept[request.match_info["id"]]
    if one.project != request.match_info["project"]:
        raise LookupError
    return one


def _refused(refused: Refusal) -> web.Response:
    return refusal(refused.status, str(uuid.uuid4()), err_code=refused.err_code)


async def _body(request: web.Request, *, may_be_empty: bool = False) -> dict[str, Any]:
    text = await request.read()
    if may_be_empty and not text.strip():
        return {}
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequestError("the body must be JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("the body must be an object")
    return body


def _metadata(body: dict[str, Any]) -> dict[str, str]:
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BadRequestError("metadata must be a map of strings")
    return metadata


def _ttl(body: dict[str, Any]) -> float:
    """Return ``ttl_seconds`` of a grant request: 1 to 3600, default 30."""
    ttl = body.get("ttl_seconds", 30)
    if not isinstance(ttl, int | float) or isinstance(ttl, bool) or not 1 <= ttl <= 3600:
        raise BadRequestError("ttl_seconds must be a number from 1 to 3600")
    return ttl
