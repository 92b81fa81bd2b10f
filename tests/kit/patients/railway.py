"""Set-ups that are wrong at Railway: a stand-in with a service that was sound, and one thing about it changed."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.patients.seed import ACCOUNT, API_KEY, AUTH_TOKEN, Arrange, Arranged, Seed, keys
from tests.kit.railway.project import answering, program, written
from tests.kit.railway.standin import ACCOUNT_TOKEN, RailwayStandIn
from tests.kit.railway.state import Deployment, Service
from tests.kit.raw import until

from offhook.setup.railway.wanted import ServiceSettings

RECORD = {
    "recordType": "DNS_RECORD_TYPE_CNAME",
    "fqdn": "voice.example.com",
    "requiredValue": "x1.up.railway.app",
    "currentValue": "",
    "status": "DNS_RECORD_STATUS_REQUIRES_UPDATE",
}
CUSTOM = {
    "verified": True,
    "verificationDnsHost": "_railway-verify.voice",
    "verificationToken": "railway-verify=abc",
    "certificateStatus": "CERTIFICATE_STATUS_TYPE_VALID",
    "dnsRecords": [],
}


@dataclass(slots=True)
class Sick:
    """The stand-in, the service, its deployment, and the folder the doctor looks at. ``environ`` may be changed."""

    railway: RailwayStandIn
    service: Service
    folder: Path
    environ: dict[str, str]

    @property
    def newest(self) -> Deployment:
        assert self.service.newest is not None
        return self.service.newest


Change = Callable[[Sick], Any]


@asynccontextmanager
async def at_railway(folder: Path, before: Change = lambda _: None, code: dict[str, str] | None = None, to: str = ""):
    """Deploy a sound service (``code`` instead, ``before`` changed) and wait for the state ``to``, else SUCCESS."""
    async with RailwayStandIn() as railway:
        project = railway.project()
        service = Service("offhook", project, repo="owner/voice", branch="main")
        project.services.append(service)
        service.settings |= {"healthcheckPath": "/readyz", "healthcheckTimeout": 600, "numReplicas": 1}
        service.settings |= {"drainingSeconds": ServiceSettings().draining_seconds, "overlapSeconds": 10}
        service.variables |= {"PORT": "8080", "DEEPGRAM_API_KEY": API_KEY}
        service.variables |= {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
        railway.code.repositories["owner/voice"] = written(folder / ".quick", code or answering())
        await railway.add_domain(service, 8080)
        token = {"RAILWAY_TOKEN": railway.project_token(project), "OFFHOOK_RAILWAY__API_URL": railway.url}
        sick = Sick(railway, service, folder, keys(DEEPGRAM_API_KEY="", TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID=""))
        sick.environ |= token
        await _done(before(sick))
        if to != "never":
            deployment = railway.life.deploy(service)
            await until(lambda: deployment.status in (to or "SUCCESS").split("|"), 60)
        yield sick
        assert railway.invalid == []


def railway(
    after: Change = lambda _: None, before: Change = lambda _: None, code: dict[str, str] | None = None, to: str = ""
) -> Arrange:
    """Arrange such a service, changed before or after it was deployed."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async with at_railway(folder, before, code, to) as sick:
            await _done(after(sick))
            yield Arranged(sick.environ, network=True)

    return arrange


async def _done(changing: Any) -> None:
    if inspect.isawaitable(changing):
        await changing


def settings(**changed: Any) -> Change:
    return lambda sick: sick.service.settings.update(changed)


def variables(**changed: str | None) -> Change:
    def change(sick: Sick) -> None:
        for name, value in changed.items():
            sick.service.variables.pop(name, None)
            sick.service.variables |= {} if value is None else {name: value}

    return change


def environ(**changed: str) -> Change:
    return lambda sick: sick.environ.update(changed)


def domain(**changed: Any) -> Change:
    def change(sick: Sick) -> None:
        for name, value in changed.items():
            setattr(sick.service.domains[0], name, value)

    return change


async def _listens_elsewhere(sick: Sick) -> None:
    await until(lambda: any(sick.railway.life.listening(each) for each in sick.newest.containers), 60)


def _mono(sick: Sick) -> None:
    (sick.folder / ".git").mkdir()
    (sick.folder / "Dockerfile").write_text("FROM python:3.13-slim\n")
    sick.service.settings["rootDirectory"] = "/service"


async def _superseded(sick: Sick) -> None:
    old = sick.newest
    sick.railway.life.deploy(sick.service)
    await until(lambda: old.status == "REMOVED" and sick.newest.status == "SUCCESS", 60)
    sick.environ["OFFHOOK_RAILWAY__DEPLOYMENT"] = old.id


async def _failed_behind_a_good_one(sick: Sick) -> None:
    sick.railway.life.build_error = ["ERROR: No matching distribution found for ofhook"]
    deployment = sick.railway.life.deploy(sick.service)
    await until(lambda: deployment.status == "FAILED", 60)


def _edge(sick: Sick) -> None:
    request = dict.fromkeys(
        ("clientUa", "deploymentInstanceId", "downstreamProto", "edgeRegion", "host", "requestId", "srcIp"), ""
    ) | dict.fromkeys(("responseDetails", "upstreamProto"), "")
    request |= dict.fromkeys(("rxBytes", "txBytes", "totalDuration", "upstreamRqDuration"), 0)
    request |= {"method": "GET", "path": "/twilio/voice", "httpStatus": 502, "timestamp": "", "deploymentId": ""}
    sick.newest.http.append(request | {"upstreamAddress": "http://10.0.0.1:3000", "upstreamErrors": "refused"})


def _seed(words: str, cause: str, fix: str, arrange: Arrange, verdict: str = "fail") -> Seed:
    return Seed(words, "railway-service", cause, fix, arrange, verdict)


def _ended(words: str, cause: str, fix: str, arrange: Arrange, verdict: str = "fail") -> Seed:
    return Seed(words, "railway-deployment", cause, fix, arrange, verdict)


def _changed(words: str, cause: str, fix: str, verdict: str = "fail", **change: Any) -> Seed:
    return _seed(words, cause, fix, railway(settings(**change)), verdict)


def _impatient(sick: Sick) -> None:
    sick.railway.life.pace.wrong_answers = 3


_NO_HEALTH = settings(healthcheckPath=None, restartPolicyMaxRetries=1)
_ELSEWHERE = program(
    "import socket, time\nserver = socket.create_server(('127.0.0.1', 0))\nprint('up', flush=True)\ntime.sleep(600)"
)

RAILWAY = [
    Seed(
        "Railway refuses the token", "railway", "token-refused", "create a new one",
        railway(environ(RAILWAY_TOKEN="00000000-0000-4000-8000-000000000000"), to="never"),
    ),
    Seed(
        "a project token where an account's belongs", "railway", "wrong-variable", "RAILWAY_TOKEN",
        railway(lambda it: it.environ.update(RAILWAY_API_TOKEN=it.environ.pop("RAILWAY_TOKEN")), to="never"),
    ),
    Seed("both tokens are set", "railway", "both-tokens", "remove", railway(
        environ(RAILWAY_API_TOKEN=ACCOUNT_TOKEN)), "warn"),
    Seed("a project that the token does not see", "railway", "no-project", "railway.project", railway(
        lambda it: (it.environ.pop("RAILWAY_TOKEN"), it.environ.update(
            RAILWAY_API_TOKEN=ACCOUNT_TOKEN, OFFHOOK_RAILWAY__PROJECT="other")), to="never")),
    Seed("a service that is not there", "railway", "no-service", "railway.service", railway(
        environ(OFFHOOK_RAILWAY__SERVICE="voices"), to="never")),
    Seed("Railway cannot be reached", "railway", "unreachable", "connection", railway(
        environ(OFFHOOK_RAILWAY__API_URL="http://127.0.0.1:9/graphql/v2"), to="never")),
    Seed("too many requests to Railway", "railway", "rate-limited", "run again", railway(
        lambda it: setattr(it.railway, "allowed", 0), to="never")),
    _seed("no Deepgram key at Railway", "variables-missing", "Variables", railway(variables(DEEPGRAM_API_KEY=None))),
    _seed("a reference at Railway leads nowhere", "reference-empty", "written exactly", railway(
        variables(DATABASE_URL="${{postgres.DATABASE_URL}}"))),
    _seed("Railway believes in another address", "public-url-differs", "OFFHOOK_PUBLIC_URL", railway(
        variables(OFFHOOK_PUBLIC_URL="https://old.example.com")), "warn"),
    _changed("no health check at Railway", "no-health-check", "railway deploy", healthcheckPath=None),
    _changed("the health check asks a path that is not there", "health-path", "railway deploy", healthcheckPath="/"),
    _changed("Railway kills at once", "draining-0", "railway deploy", "warn", drainingSeconds=0),
    _changed("Railway kills before the drain is over", "draining-short", "drain_s", "warn", drainingSeconds=30),
    _changed("Serverless is on", "sleep-on", "railway deploy", "warn", sleepApplication=True),
    _changed("a cron schedule at Railway", "cron", "railway deploy", cronSchedule="*/5 * * * *"),
    _changed("Railway never restarts", "restart-never", "railway deploy", "warn", restartPolicyType="NEVER"),
    _changed("a start command with $PORT in it", "start-command-port", "railway deploy",
             startCommand="offhook serve --port $PORT"),
    _changed("another start command", "start-command", "railway deploy", startCommand="python main.py"),
    _changed("a railway.json is named", "config-file", "Config File", "warn", railwayConfigFile="/railway.json"),
    _changed("two replicas alone", "replicas-alone", "replicas", "warn", numReplicas=2),
    _seed("a volume at Railway", "volume-no-overlap", "Postgres", railway(
        lambda it: setattr(it.service, "volume", "/kept")), "warn"),
    _seed("Railway builds another folder", "root-directory", "root directory", railway(_mono)),
    _seed("no domain at Railway", "no-domain", "railway deploy", railway(lambda it: it.service.domains.clear())),
    _seed("the domain leads to another port", "target-port", "railway deploy", railway(domain(target_port=3000))),
    _seed("the server listens on another port than PORT", "listening-port", "SERVER__PORT", railway(
        _listens_elsewhere, _NO_HEALTH, _ELSEWHERE)),
    _seed("a domain of one's own is not verified", "domain-unverified", "CNAME voice.example.com", railway(
        domain(custom=CUSTOM | {"verified": False, "dnsRecords": [RECORD]}))),
    _seed("a domain of one's own lacks a record", "domain-records", "x1.up.railway.app", railway(
        domain(custom=CUSTOM | {"dnsRecords": [RECORD]}))),
    _seed("no certificate for a domain of one's own", "certificate", "CAA", railway(
        domain(custom=CUSTOM | {"certificateStatus": "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED"}))),
    _ended("nothing was ever deployed", "never-deployed", "Deploy", railway(to="never")),
    _ended("the build fails", "build-failed", "build log", railway(
        before=lambda it: it.railway.life.build_error.append("ERROR: no matching distribution"), to="FAILED")),
    _ended("a failed deployment behind a good one", "build-failed", "build log", railway(_failed_behind_a_good_one)),
    _ended("no Dockerfile in the repository", "no-dockerfile", "capital D", railway(
        code={"voice.txt": ""}, to="FAILED")),
    _ended("the branch does not exist", "source", "branch", railway(
        before=lambda it: it.railway.code.branches.update({"owner/voice": {"trunk"}}), to="FAILED")),
    _ended("a pre-deploy command fails", "pre-deploy", "clear it", railway(
        before=settings(preDeployCommand=["false"]), to="FAILED")),
    _ended("a start command that does not exist", "container", "start command", railway(
        before=settings(startCommand="no-such-program"), to="FAILED")),
    _ended("nothing answers the health check", "health-unreachable", "PORT", railway(
        before=settings(healthcheckTimeout=2), code=_ELSEWHERE, to="FAILED")),
    _ended("the health check gets 404", "health-path", "/readyz", railway(
        before=_impatient, code=answering(404), to="FAILED")),
    _ended("the server is up but not ready", "health-failed", "reason", railway(
        before=_impatient, code=answering(503), to="FAILED")),
    _ended("the server crashes", "crashed", "last lines", railway(
        before=_NO_HEALTH, code=program("raise SystemExit('no')"), to="CRASHED")),
    _ended("the server refuses its settings", "crashed-settings", "variables", railway(
        before=_NO_HEALTH, to="CRASHED",
        code=program("raise SystemExit('config: deepgram.api_key (environment DEEPGRAM_API_KEY): is a placeholder')"))),
    _ended("the server ends by itself with code 0", "exited-0", "offhook serve", railway(
        lambda it: until(lambda: it.newest.containers[0].status == "EXITED", 60),
        _NO_HEALTH, program("print('done')"))),
    _ended("the service sleeps", "sleeping", "sleepApplication", railway(
        lambda it: it.railway.life.put_to_sleep(it.newest))),
    _ended("somebody stopped it", "stopped", "activity", railway(lambda it: it.railway.life.stop(it.newest))),
    _ended("somebody removed it", "removed", "deploy again", railway(lambda it: it.railway.life.remove(it.newest))),
    _ended("the deployment was skipped", "skipped", "watch paths", railway(lambda it: it.newest.becomes("SKIPPED"))),
    _ended("the deployment waits for approval", "needs-approval", "approve", railway(
        lambda it: it.newest.becomes("NEEDS_APPROVAL"))),
    _ended("the deployment waits for its commit's checks", "waiting-for-checks", "Wait for CI", railway(
        lambda it: it.newest.becomes("WAITING")), "warn"),
    _ended("the log belongs to a replaced deployment", "superseded", "railway logs", railway(_superseded), "warn"),
    Seed("requests fail at Railway's edge", "railway-edge", "edge-errors", "port", railway(_edge), "warn"),
]  # fmt: skip
