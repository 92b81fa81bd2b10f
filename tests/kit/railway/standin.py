"""The stand-in itself: Railway's API at one address, the domains of its services at others, all on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web
from graphql import GraphQLError, graphql, parse, validate
from tests.kit.railway import state
from tests.kit.railway.edge import Edge
from tests.kit.railway.life import Code, Life, Pace
from tests.kit.railway.resolvers import Root
from tests.kit.railway.schema import schema
from tests.kit.railway.state import Container, Deployment, Domain, Project, Service, Token

ACCOUNT_TOKEN = "5b1c7a52-0000-4000-8000-00000000acc0"
WORKSPACE_TOKEN = "5b1c7a52-0000-4000-8000-0000000000a5"
DATABASES = {"postgres": ("Postgres", "DATABASE_URL"), "redis": ("Redis", "REDIS_URL")}


class RailwayStandIn:
    """A Railway with one workspace. ``async with RailwayStandIn() as railway`` listens; ``railway.url`` is its API.

    ``railway.code.repositories["owner/name"] = folder`` makes a folder deployable. Every request is validated by
    Railway's own schema, and every answer shaped by it; ``requests`` keeps them. Switches: ``connect_deploys``,
    ``updates_deploy``, ``ignored_settings``, ``answer_lost`` (called with each operation's name: True drops the
    connection *after* the change was made), ``refuses`` (returns a status instead of an answer), ``logs_are_late`` (a
    line is shown one look after it was written).
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.code = Code()
        self.life = Life(self.code, pace or Pace())
        self.projects: list[Project] = []
        self.workspaces = [{"id": "workspace-1", "name": "Home"}]
        self.plan = "hobby"
        self.templates = set(DATABASES)
        self.workflows: dict[str, str] = {}
        self.tokens = {
            ACCOUNT_TOKEN: Token(ACCOUNT_TOKEN, "account"),
            WORKSPACE_TOKEN: Token(WORKSPACE_TOKEN, "workspace"),
        }
        self.page_size = 2
        self.connect_deploys = self.updates_deploy = False
        self.ignored_settings: set[str] = set()
        self.schema = schema()
        self.forbidden: set[str] = set()
        self.hides_environments = False
        self.answer_lost: Callable[[str], bool] = lambda _: False
        self.refuses: Callable[[str], int | None] = lambda _: None
        self.allowed, self.used = 10_000, 0
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.invalid: list[str] = []
        self.edges: list[Edge] = []
        self.template_s = 0.0
        self.logs_are_late = False
        self.seen_lines: dict[tuple[str, str], int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/graphql/v2", self._answer)
        self._web = web.AppRunner(app, access_log=None)
        await self._web.setup()
        await web.TCPSite(self._web, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for edge in self.edges:
            await edge.stop()
        await self.life.close()
        await self._web.cleanup()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._web.addresses[0][1]}/graphql/v2"

    # --- what a test arranges

    def project(self, name: str = "offhook") -> Project:
        """Add a project."""
        project = Project(name)
        self.projects.append(project)
        return project

    def project_token(self, project: Project) -> str:
        """Return a token for one environment of a project."""
        value = state.new_id()
        self.tokens[value] = Token(value, "project", project.id, project.environment_id)
        return value

    def only_service(self) -> Service:
        """Return the one service that is no database."""
        (found,) = [s for p in self.projects for s in p.services if not s.is_database]
        return found

    async def add_domain(self, service: Service, target_port: int | None, custom: dict | None = None) -> Domain:
        """Give a service a domain: an address of this machine."""
        domain = Domain("", target_port, custom=custom)
        edge = Edge(service, domain, self.life, self.life.listening)
        domain.name = f"127.0.0.1:{await edge.start()}"
        self.edges.append(edge)
        service.domains.append(domain)
        return domain

    def made(self, operation: str) -> int:
        """Return how often an operation was asked for."""
        return sum(1 for name, _ in self.requests if name == operation)

    def begin_template(self, project: Project, code: str) -> str:
        """Create a database in the background, as a workflow; no database is really started."""
        workflow = state.new_id()
        self.workflows[workflow] = "Running"

        async def create() -> None:
            await asyncio.sleep(self.template_s)
            name, variable = DATABASES[code]
            taken = sum(1 for each in project.services if each.name.startswith(name))
            service = Service(name if not taken else f"{name}-{taken}", project, is_database=True)
            service.variables[variable] = f"{code}://user:password@{name.lower()}.railway.internal/railway"
            service.deployments.append(Deployment(service, status="SUCCESS", containers=[Container(status="RUNNING")]))
            project.services.append(service)
            self.workflows[workflow] = "Complete"

        task = asyncio.create_task(create())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return workflow

    # --- the API

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        name = str(body.get("operationName"))
        self.requests.append((name, body.get("variables") or {}))
        self.used += 1
        headers = {
            "X-RateLimit-Limit": str(self.allowed),
            "X-RateLimit-Remaining": str(max(self.allowed - self.used, 0)),
            "X-RateLimit-Reset": "3600",
        }
        if self.used > self.allowed:
            headers |= {"Retry-After": "1"}
            return web.json_response({"message": "Too Many Requests"}, status=429, headers=headers)
        if status := self.refuses(name):
            return web.json_response({"message": "no"}, status=status, headers=headers)
        answered = await self._executed(request, body)
        if self.answer_lost(name):
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answered, headers=headers)

    async def _executed(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        root = Root(self, self._token(request))
        if body["operationName"] in self.forbidden:
            return {"data": None, "errors": [{"message": "Not Authorized"}]}
        found = await graphql(
            self.schema,
            body["query"],
            root,
            variable_values=body.get("variables"),
            operation_name=body["operationName"],
        )
        errors = found.errors or []
        refused = [e for e in errors if isinstance(e.original_error, GraphQLError)]
        self.invalid += [f"{body['operationName']}: {e}" for e in errors if e not in refused]
        told: dict[str, Any] = {"data": found.data}
        if errors:
            told["errors"] = [{"message": e.message, "path": e.path} for e in errors]
        return told

    def _token(self, request: web.Request) -> Token | None:
        given = request.headers.get("Project-Access-Token")
        if given is not None:
            token = self.tokens.get(given)
            return token if token is not None and token.kind == "project" else None
        bearer = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return bearer if bearer is not None and bearer.kind != "project" else None


def judge(document: str) -> list[str]:
    """Return what Railway's schema has against a document."""
    return [error.message for error in validate(schema(), parse(document))]
