# ruff: noqa: N803, A002  # methods and arguments are called as Railway's schema calls them
"""Answers of the stand-in to the operations of Railway's schema that anybody here sends. Changes state; judges nothing.

A method is called like its field, with the field's arguments. What is not here is not answered, which fails a test.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from tests.kit.railway import state
from tests.kit.railway.state import Deployment, Domain, Project, Service, Token, provided, rendered

if TYPE_CHECKING:
    from tests.kit.railway.standin import RailwayStandIn


def edges(nodes: Iterable[Any]) -> dict[str, Any]:
    return {
        "edges": [{"node": node, "cursor": str(n)} for n, node in enumerate(nodes)],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None, "startCursor": None},
    }


def page(nodes: list[Any], after: str | None, size: int) -> dict[str, Any]:
    """Return one page of a connection; ``after`` is the index of the last one seen."""
    begin = int(after) + 1 if after else 0
    found = edges(nodes[begin : begin + size])
    end = begin + len(found["edges"]) - 1
    found["pageInfo"] |= {"hasNextPage": begin + size < len(nodes), "endCursor": str(end) if found["edges"] else None}
    return found


def refuse(words: str = "Not Authorized") -> GraphQLError:
    return GraphQLError(words)


class Root:
    """The fields of Query and Mutation, for one token."""

    def __init__(self, railway: RailwayStandIn, token: Token | None) -> None:
        self.railway, self.token = railway, token

    # --- who asks

    def projectToken(self, info: Any) -> Any:
        if self.token is None or self.token.kind != "project":
            raise refuse()
        project = self._project(self.token.project or "")
        where = {"id": project.environment_id, "name": project.environment}
        return {
            "projectId": project.id, "environmentId": project.environment_id, "environment": where,
            "project": {"id": project.id, "name": project.name},
        }  # fmt: skip

    def me(self, info: Any) -> Any:
        if self.token is None or self.token.kind != "account":
            raise refuse()
        return {"id": "user-1", "name": "Owner", "email": "owner@example.com", "workspaces": self.railway.workspaces}

    def apiToken(self, info: Any) -> Any:
        if self.token is None or self.token.kind not in ("account", "workspace"):
            raise refuse()
        return {"workspaces": self.railway.workspaces}

    # --- projects and services

    def projects(self, info: Any, workspaceId: str | None = None, after: str | None = None, **_: Any) -> Any:
        self._not_a_project_token()
        here = [p for p in self.railway.projects if workspaceId in (None, p.workspace)]
        found = [{"id": p.id, "name": p.name, "deletedAt": None} for p in here]
        return page(found, after, self.railway.page_size)

    def project(self, info: Any, id: str) -> Any:
        project = self._project(id)
        return {
            "id": project.id, "name": project.name, "workspaceId": project.workspace,
            "subscriptionType": self.railway.plan,
            "environments": edges([{"id": project.environment_id, "name": project.environment}]),
            "services": edges([{"id": s.id, "name": s.name, "deletedAt": None} for s in project.services]),
        }  # fmt: skip

    def projectCreate(self, info: Any, input: dict[str, Any]) -> Any:
        self._not_a_project_token()
        if input.get("workspaceId") not in {each["id"] for each in self.railway.workspaces}:
            raise refuse("You must specify a workspaceId to create a project")
        project = Project(input.get("name") or "new", input.get("defaultEnvironmentName") or "production")
        project.workspace = input["workspaceId"]
        self.railway.projects.append(project)
        return {"id": project.id, "name": project.name}

    def serviceCreate(self, info: Any, input: dict[str, Any]) -> Any:
        project = self._project(input["projectId"])
        source = input.get("source") or {}
        name = input.get("name") or "service"
        if any(each.name == name for each in project.services):
            raise refuse(f"A service named {name} already exists in this project")
        service = Service(name, project, repo=source.get("repo"), image=source.get("image"))
        service.variables |= input.get("variables") or {}
        project.services.append(service)
        if source:
            self.railway.life.deploy(service)
        return {"id": service.id, "name": service.name}

    def serviceConnect(self, info: Any, id: str, input: dict[str, Any]) -> Any:
        service = self._service(id)
        repo, image = input.get("repo"), input.get("image")
        if repo and repo not in self.railway.code.repositories:
            raise refuse(f"GitHub repository {repo} was not found or Railway's app may not read it")
        service.repo, service.branch, service.image = repo, input.get("branch") or ("main" if repo else None), image
        if self.railway.connect_deploys:
            self.railway.life.deploy(service)
        return {"id": service.id}

    def service(self, info: Any, id: str) -> Any:
        service = self._service(id)
        trigger = {
            "environmentId": service.project.environment_id, "repository": service.repo, "branch": service.branch,
            "checkSuites": False,
        }  # fmt: skip
        return {"id": service.id, "repoTriggers": edges([trigger] if service.repo else [])}

    def serviceInstance(self, info: Any, serviceId: str, environmentId: str) -> Any:
        service = self._service(serviceId, environmentId)
        newest = service.newest
        source = {"repo": service.repo, "image": service.image} if service.repo or service.image else None
        return service.settings | {
            "id": f"instance-{service.id}", "serviceId": service.id, "serviceName": service.name, "source": source,
            "latestDeployment": self._told(newest) if newest else None,
        }  # fmt: skip

    def serviceInstanceUpdate(
        self, info: Any, serviceId: str, input: dict[str, Any], environmentId: str | None = None
    ) -> bool:
        service = self._service(serviceId, environmentId)
        kept = {name: value for name, value in input.items() if name not in self.railway.ignored_settings}
        service.settings |= {name: value for name, value in kept.items() if name in service.settings}
        if self.railway.updates_deploy and service.newest:
            self.railway.life.deploy(service)
        return True

    def environment(self, info: Any, id: str, projectId: str | None = None) -> Any:
        project = next((p for p in self.railway.projects if p.environment_id == id), None)
        if project is None or self.railway.hides_environments:
            raise refuse()
        self._project(project.id)
        variables = [
            {"name": name, "serviceId": s.id, "isSealed": name in s.sealed}
            for s in project.services
            for name in s.variables
        ]
        volumes = [{"serviceId": s.id, "mountPath": s.volume} for s in project.services if s.volume]

        def paged(_: Any, after: str | None = None) -> Any:
            return page(variables, after, self.railway.page_size)

        return {"id": id, "variables": paged, "volumeInstances": edges(volumes)}

    # --- variables

    def variables(self, info: Any, projectId: str, environmentId: str, serviceId: str, unrendered: bool = False) -> Any:
        service = self._service(serviceId, environmentId)
        found = dict(service.variables) if unrendered else rendered(service)
        return provided(service) | {name: value for name, value in found.items() if name not in service.sealed}

    def variableCollectionUpsert(self, info: Any, input: dict[str, Any]) -> bool:
        service = self._service(input["serviceId"], input["environmentId"])
        if input.get("replace"):
            service.variables.clear()
        service.variables |= input["variables"]
        if not input.get("skipDeploys") and service.newest:
            self.railway.life.deploy(service)
        return True

    # --- domains

    def domains(self, info: Any, projectId: str, environmentId: str, serviceId: str) -> Any:
        service = self._service(serviceId, environmentId)
        told = [{"id": d.id, "domain": d.name, "targetPort": d.target_port} for d in service.domains]
        pairs = list(zip(service.domains, told, strict=True))
        return {
            "serviceDomains": [{**t, "syncStatus": "ACTIVE"} for d, t in pairs if d.custom is None],
            "customDomains": [{**t, "status": d.custom} for d, t in pairs if d.custom is not None],
        }

    async def serviceDomainCreate(self, info: Any, input: dict[str, Any]) -> Any:
        service = self._service(input["serviceId"], input["environmentId"])
        domain = await self.railway.add_domain(service, input.get("targetPort"))
        return {"id": domain.id, "domain": domain.name, "targetPort": domain.target_port}

    def serviceDomainUpdate(self, info: Any, input: dict[str, Any]) -> bool:
        self._domain(input["serviceDomainId"]).target_port = input.get("targetPort")
        return True

    def customDomainUpdate(self, info: Any, id: str, environmentId: str, targetPort: int | None = None) -> bool:
        self._domain(id).target_port = targetPort
        return True

    # --- databases

    def template(self, info: Any, code: str) -> Any:
        if code not in self.railway.templates:
            raise refuse()
        return {"id": f"template-{code}", "name": code, "serializedConfig": {"services": {}}}

    def templateDeployV2(self, info: Any, input: dict[str, Any]) -> Any:
        project = self._project(input["projectId"])
        workflow = self.railway.begin_template(project, input["templateId"].removeprefix("template-"))
        return {"projectId": project.id, "workflowId": workflow}

    def workflowStatus(self, info: Any, workflowId: str) -> Any:
        return {"status": self.railway.workflows.get(workflowId, "NotFound"), "error": None}

    # --- deployments

    def serviceInstanceDeployV2(self, info: Any, serviceId: str, environmentId: str, **_: Any) -> str:
        service = self._service(serviceId, environmentId)
        if not service.repo and not service.image:
            raise refuse("This service has no source to deploy")
        return self.railway.life.deploy(service).id

    def deployments(self, info: Any, input: dict[str, Any], first: int = 10, **_: Any) -> Any:
        service = self._service(input["serviceId"], input.get("environmentId"))
        newest = list(reversed(service.deployments))[:first]
        return edges([self._told(each) for each in newest])

    def deployment(self, info: Any, id: str) -> Any:
        return self._told(self._deployment(id))

    def deploymentEvents(self, info: Any, id: str, **_: Any) -> Any:
        blank = dict.fromkeys(("attempt", "maxAttempts", "detail", "error", "reason", "durationMs", "skipped"))
        return edges(
            {
                "id": e.id, "step": e.step, "createdAt": e.created, "completedAt": e.completed,
                "payload": blank | e.payload,
            }
            for e in self._deployment(id).events
        )  # fmt: skip

    def buildLogs(self, info: Any, deploymentId: str, limit: int = 100, startDate: str | None = None, **_: Any) -> Any:
        it = self._deployment(deploymentId)
        if it.service.image or not any(event.step == "BUILD_IMAGE" for event in it.events):
            raise refuse("Failed to retrieve build log")  # as people report of a build that is queued (railwayapp/cli)
        return self._lines(self._arrived(it, "build", it.build), startDate, limit)

    def deploymentLogs(
        self, info: Any, deploymentId: str, limit: int = 100, startDate: str | None = None, **_: Any
    ) -> Any:
        it = self._deployment(deploymentId)
        return self._lines(self._arrived(it, "run", it.run), startDate, limit)

    def httpLogs(self, info: Any, deploymentId: str, filter: str | None = None, limit: int = 100, **_: Any) -> Any:
        found = self._deployment(deploymentId).http
        if filter == "@httpStatus:>=500":
            found = [each for each in found if each["httpStatus"] >= 500]
        return found[-limit:]

    # --- look-ups, which also say who may

    def _told(self, it: Deployment) -> dict[str, Any]:
        return {
            "id": it.id, "status": it.status, "createdAt": it.created, "statusUpdatedAt": it.updated,
            "deploymentStopped": it.stopped, "instances": [{"id": c.id, "status": c.status} for c in it.containers],
            "sockets": self._sockets(it), "projectId": it.service.project.id, "serviceId": it.service.id,
            "environmentId": it.service.project.environment_id,
        }  # fmt: skip

    def _sockets(self, it: Deployment) -> list[dict[str, Any]]:
        found = []
        for c in it.containers:
            seen = self.railway.life.listening(c) if c.status == "RUNNING" else set()
            ports = {c.port if port == c.host_port else port for port in seen}
            found += [{"port": port, "processName": "python", "ipv6": False, "updatedAt": 0} for port in sorted(ports)]
        return found

    def _arrived(self, it: Deployment, kind: str, lines: list[state.Line]) -> list[state.Line]:
        """Return the lines that have arrived: where logs are late, those that were there at the look before."""
        if not self.railway.logs_are_late:
            return lines
        before = self.railway.seen_lines.get((it.id, kind), 0)
        self.railway.seen_lines[it.id, kind] = len(lines)
        return lines[:before]

    @staticmethod
    def _lines(lines: list[state.Line], since: str | None, limit: int) -> list[dict[str, Any]]:
        found = [line for line in lines if since is None or line.timestamp >= since]
        found = found[:limit] if since else found[-limit:]
        return [
            {
                "timestamp": line.timestamp, "message": line.message, "severity": line.severity, "attributes": [],
                "tags": {"deploymentInstanceId": line.instance},
            }
            for line in found
        ]  # fmt: skip

    def _not_a_project_token(self) -> None:
        if self.token is None or self.token.kind == "project":
            raise refuse()

    def _project(self, project_id: str) -> Project:
        found = next((p for p in self.railway.projects if p.id == project_id), None)
        if found is None or self.token is None or self.token.project not in (None, project_id):
            raise refuse()
        return found

    def _service(self, service_id: str, environment_id: str | None = None) -> Service:
        found = next((s for p in self.railway.projects for s in p.services if s.id == service_id), None)
        if found is None or environment_id not in (None, found.project.environment_id):
            raise refuse()
        self._project(found.project.id)
        return found

    def _domain(self, domain_id: str) -> Domain:
        services = [s for p in self.railway.projects for s in p.services]
        found = next(((s, d) for s in services for d in s.domains if d.id == domain_id), None)
        if found is None:
            raise refuse()
        self._service(found[0].id)
        return found[1]

    def _deployment(self, deployment_id: str) -> Deployment:
        services = [s for p in self.railway.projects for s in p.services]
        found = next((d for s in services for d in s.deployments if d.id == deployment_id), None)
        if found is None:
            raise refuse()
        self._service(found.service.id)
        return found
