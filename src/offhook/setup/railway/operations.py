"""Every operation we send to Railway, as a named GraphQL document. Text only; a test judges each by the schema."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

#: Ends the line of a field that is left out where Railway does not know it any more.
_OPTIONAL: Final = "# optional"


@dataclass(frozen=True, slots=True)
class Operation:
    """One document. ``name`` is the operation's own name; a mutation is never sent twice by itself."""

    name: str
    document: str

    def without(self, fields: Collection[str]) -> str:
        """Return the document without those of its optional fields: a schema may lose what nothing depends on."""
        gone = [line for line in self.document.splitlines() if _OPTIONAL in line and line.split()[0] in fields]
        return "\n".join(line for line in self.document.splitlines() if line not in gone)

    @property
    def optional(self) -> frozenset[str]:
        """The fields that an answer may lack."""
        return frozenset(line.split()[0] for line in self.document.splitlines() if _OPTIONAL in line)

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something at Railway."""
        return self.document.startswith("mutation")


def _operation(document: str) -> Operation:
    head = document.split("{", 1)[0].split("(", 1)[0].split()
    return Operation(head[1], "\n".join(line.rstrip() for line in document.strip().splitlines()))


# --- who we are: the first that is answered says which kind of token it is (Railway, "Public API: tokens") ---------

PROJECT_TOKEN: Final = _operation("""query ProjectTokenScope {
  projectToken { projectId environmentId project { id name } environment { id name } }
}""")

ACCOUNT: Final = _operation("""query Account {
  me { id workspaces { id name } }
}""")

WORKSPACE: Final = _operation("""query WorkspaceToken {
  apiToken { workspaces { id name } }
}""")

# --- projects and services ------------------------------------------------------------------------------------------

PROJECTS: Final = _operation("""query Projects($workspaceId: String, $after: String) {
  projects(workspaceId: $workspaceId, after: $after) {
    edges { node { id name deletedAt } }
    pageInfo { hasNextPage endCursor }
  }
}""")

PROJECT: Final = _operation("""query Project($id: String!) {
  project(id: $id) {
    id
    name
    workspaceId # optional
    subscriptionType # optional
    environments { edges { node { id name } } }
    services { edges { node { id name deletedAt } } }
  }
}""")

PROJECT_CREATE: Final = _operation("""mutation ProjectCreate($input: ProjectCreateInput!) {
  projectCreate(input: $input) { id name }
}""")

SERVICE_CREATE: Final = _operation("""mutation ServiceCreate($input: ServiceCreateInput!) {
  serviceCreate(input: $input) { id name }
}""")

SERVICE_CONNECT: Final = _operation("""mutation ServiceConnect($id: String!, $input: ServiceConnectInput!) {
  serviceConnect(id: $id, input: $input) { id }
}""")

SERVICE_INSTANCE: Final = _operation("""query ServiceInstance($serviceId: String!, $environmentId: String!) {
  serviceInstance(serviceId: $serviceId, environmentId: $environmentId) {
    id
    serviceId
    serviceName
    cronSchedule
    drainingSeconds
    healthcheckPath
    healthcheckTimeout
    numReplicas
    overlapSeconds
    railwayConfigFile # optional
    restartPolicyMaxRetries
    restartPolicyType
    rootDirectory
    sleepApplication
    startCommand
    source { image repo }
    latestDeployment { id status createdAt }
  }
}""")

SERVICE_TRIGGERS: Final = _operation("""query ServiceTriggers($id: String!) {
  service(id: $id) {
    id
    repoTriggers { edges { node { environmentId repository branch checkSuites } } }
  }
}""")

SERVICE_UPDATE: Final = _operation(
    """mutation ServiceUpdate($serviceId: String!, $environmentId: String!, $input: ServiceInstanceUpdateInput!) {
  serviceInstanceUpdate(serviceId: $serviceId, environmentId: $environmentId, input: $input)
}"""
)

VOLUMES: Final = _operation("""query Volumes($environmentId: String!) {
  environment(id: $environmentId) {
    id
    volumeInstances { edges { node { serviceId mountPath } } }
  }
}""")

# --- variables ------------------------------------------------------------------------------------------------------

#: As they were written, references and all, which is what we compare with what we set; and with references filled.
#: Sealed variables are in no map of values: only their names can be seen, and not by every token.
VARIABLES: Final = _operation(
    """query Variables(
  $projectId: String!
  $environmentId: String!
  $serviceId: String!
  $after: String
  $withNames: Boolean!
) {
  written: variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId, unrendered: true)
  rendered: variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId)
  environment(id: $environmentId) @include(if: $withNames) {
    id
    variables(after: $after) {
      edges { node { name serviceId isSealed } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
)

VARIABLES_UPSERT: Final = _operation("""mutation VariablesUpsert($input: VariableCollectionUpsertInput!) {
  variableCollectionUpsert(input: $input)
}""")

# --- domains --------------------------------------------------------------------------------------------------------

DOMAINS: Final = _operation("""query Domains($projectId: String!, $environmentId: String!, $serviceId: String!) {
  domains(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId) {
    serviceDomains { id domain targetPort syncStatus }
    customDomains {
      id
      domain
      targetPort
      status {
        verified
        verificationDnsHost
        verificationToken
        certificateStatus
        dnsRecords { recordType fqdn requiredValue currentValue status }
      }
    }
  }
}""")

DOMAIN_CREATE: Final = _operation("""mutation ServiceDomainCreate($input: ServiceDomainCreateInput!) {
  serviceDomainCreate(input: $input) { id domain targetPort }
}""")

DOMAIN_UPDATE: Final = _operation("""mutation ServiceDomainUpdate($input: ServiceDomainUpdateInput!) {
  serviceDomainUpdate(input: $input)
}""")

CUSTOM_DOMAIN_UPDATE: Final = _operation(
    """mutation CustomDomainUpdate($id: String!, $environmentId: String!, $targetPort: Int) {
  customDomainUpdate(id: $id, environmentId: $environmentId, targetPort: $targetPort)
}"""
)

# --- databases: from Railway's own templates, as its dashboard does it -----------------------------------------------

TEMPLATE: Final = _operation("""query Template($code: String!) {
  template(code: $code) { id name serializedConfig }
}""")

TEMPLATE_DEPLOY: Final = _operation("""mutation TemplateDeploy($input: TemplateDeployV2Input!) {
  templateDeployV2(input: $input) { projectId workflowId }
}""")

WORKFLOW: Final = _operation("""query Workflow($workflowId: String!) {
  workflowStatus(workflowId: $workflowId) { status error }
}""")

# --- deployments ----------------------------------------------------------------------------------------------------

DEPLOY: Final = _operation("""mutation Deploy($serviceId: String!, $environmentId: String!) {
  serviceInstanceDeployV2(serviceId: $serviceId, environmentId: $environmentId)
}""")

DEPLOYMENTS: Final = _operation("""query Deployments($input: DeploymentListInput!, $first: Int!) {
  deployments(input: $input, first: $first) {
    edges { node { id status createdAt deploymentStopped instances { status } } }
  }
}""")

#: Everything about one deployment in one request: the free plan allows a hundred an hour. A log that is not there (yet)
#: is refused, and with it the whole answer: then it is asked without.
PROGRESS: Final = _operation(
    """query Progress(
  $id: String!
  $buildFrom: DateTime
  $runFrom: DateTime
  $lines: Int!
  $withBuild: Boolean!
  $withRun: Boolean!
) {
  deployment(id: $id) {
    id
    status
    createdAt
    statusUpdatedAt
    deploymentStopped
    projectId
    environmentId
    serviceId
    instances { id status }
    sockets { port processName ipv6 } # optional
  }
  deploymentEvents(id: $id, first: 50) {
    edges {
      node { step createdAt completedAt payload { attempt maxAttempts detail error reason durationMs skipped } }
    }
  }
  buildLogs(deploymentId: $id, startDate: $buildFrom, limit: $lines) @include(if: $withBuild) {
    timestamp
    message
    severity
  }
  deploymentLogs(deploymentId: $id, startDate: $runFrom, limit: $lines) @include(if: $withRun) {
    timestamp
    message
    severity
    tags { deploymentInstanceId }
  }
}"""
)

HTTP_LOGS: Final = _operation("""query HttpLogs($deploymentId: String!, $filter: String, $limit: Int) {
  httpLogs(deploymentId: $deploymentId, filter: $filter, limit: $limit) {
    timestamp
    method
    path
    httpStatus
    upstreamAddress
    upstreamErrors
    responseDetails
  }
}""")

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
