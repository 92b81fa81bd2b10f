"""Judges a service at Railway: variables, settings, ports, domains. Pure, but for one look at the folder's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from offhook.setup.doctor.verdict import Finding, Verdict, ok
from offhook.setup.railway.domain import Domain
from offhook.setup.railway.service import Instance, Variables
from offhook.setup.railway.wanted import HEALTH_PATH, PORT, REQUIRED, Repository

NAME: Final = "railway-service"
_ANSWERED: Final = (HEALTH_PATH, "/livez")
_SETUP: Final = "run `offhook railway deploy`, which sets it and reads it back"


@dataclass(frozen=True, slots=True)
class Service:
    """A service as Railway has it. ``ports`` are those that its newest deployment listens on; empty: unknown."""

    instance: Instance
    variables: Variables
    domains: tuple[Domain, ...]
    volume: str | None
    ports: tuple[int, ...]
    drain_s: float
    folder: Path

    @property
    def port(self) -> int:
        """The port that traffic without a target port goes to."""
        told = self.variables.rendered.get("PORT", "")
        return int(told) if told.isdigit() else PORT


def judge(it: Service) -> Sequence[Finding]:
    """Return every trouble, or that all is as it should be."""
    found = [*_variables(it), *_settings(it), *_start(it), *_several(it), *_folder(it), *_domains(it)]
    return found or [ok(NAME, f"variables, settings and domain are as they should be; PORT {it.port}")]


def _bad(cause: str, found: str, expected: str, fix: str = _SETUP, verdict: Verdict = "fail") -> Finding:
    return Finding(NAME, verdict, found, cause, expected, fix)


def _variables(it: Service) -> Iterator[Finding]:
    known = it.variables.written.keys() | it.variables.sealed
    missing = [name for name in REQUIRED if name not in known]
    if missing:
        yield _bad(
            "variables-missing",
            f"not among the service's variables: {', '.join(missing)}",
            "every variable that a call needs",
            "run `offhook railway deploy`, or add them in Railway's pages under Variables; then deploy",
        )
    empty = it.variables.empty({name: "" for name in (*REQUIRED, "DATABASE_URL", "REDIS_URL") if name in known})
    if empty:
        yield _bad(
            "reference-empty",
            f"without a value once references are filled: {', '.join(empty)}",
            "a value",
            "correct the reference: ${{Service.NAME}} with the service's name written exactly as at Railway",
        )
    address = it.variables.rendered.get("OFFHOOK_PUBLIC_URL", "")
    host = urlsplit(address).netloc
    if address and it.domains and host not in {domain.name for domain in it.domains}:
        yield _bad(
            "public-url-differs",
            f"OFFHOOK_PUBLIC_URL there says {host}, which is no domain of the service",
            f"the address that Twilio is given, like {it.domains[0].url}",
            "remove OFFHOOK_PUBLIC_URL there (Railway's own domain is then used), or add the domain to the service",
            "warn",
        )


def _settings(it: Service) -> Iterator[Finding]:
    settings, raw = it.instance.settings, it.instance.raw
    path = settings.healthcheck_path
    if not path:
        expected = f"{HEALTH_PATH}, so that a deployment takes over only when it would answer a call"
        yield _bad("no-health-check", "no health check path is set", expected)
    elif path not in _ANSWERED:
        yield _bad("health-path", f"the health check asks for {path}, which offhook does not answer", HEALTH_PATH)
    draining = settings.draining_seconds or 0
    if not draining:
        yield _bad(
            "draining-0",
            "drainingSeconds is 0: every deployment cuts the calls that are live",
            f"at least {it.drain_s:.0f} s, as long as the server's own drain (timeouts.drain_s)",
            verdict="warn",
        )
    elif draining < it.drain_s:
        yield _bad(
            "draining-short",
            f"drainingSeconds is {draining}, but the server drains up to {it.drain_s:.0f} s",
            "a drain at Railway that is at least as long as timeouts.drain_s",
            f"{_SETUP}; or set timeouts.drain_s lower",
            "warn",
        )
    if settings.sleep_application:
        yield _bad("sleep-on", "Serverless is on: the first call after a quiet while is refused", "off", verdict="warn")
    if settings.cron_schedule:
        yield _bad("cron", "a cron schedule is set, so Railway expects the server to end", "no schedule")
    if settings.restart_policy_type == "NEVER":
        yield _bad("restart-never", "the restart policy is NEVER: a crash is final", "ON_FAILURE", verdict="warn")
    if raw.get("railwayConfigFile"):
        yield _bad(
            "config-file",
            f"the service names {raw['railwayConfigFile']}, which Railway does not read after 2026-12-01",
            "settings on the service itself",
            "run `offhook railway deploy`, which sets them there; then clear the Config File in the service's settings",
            "warn",
        )


def _start(it: Service) -> Iterator[Finding]:
    command = it.instance.settings.start_command or ""
    if "$PORT" in command and "sh -c" not in command:
        yield _bad(
            "start-command-port",
            "the start command has $PORT in it, which nothing replaces where a Dockerfile is built",
            "no start command: the Dockerfile's own, which reads PORT itself",
        )
    elif command and "offhook serve" not in command.replace("-m offhook", "offhook"):
        yield _bad("start-command", "the start command runs something else than `offhook serve`", "no start command")


def _several(it: Service) -> Iterator[Finding]:
    replicas = it.instance.settings.num_replicas or 1
    shared = [name for name in ("DATABASE_URL", "REDIS_URL") if not it.variables.rendered.get(name)]
    if replicas > 1 and shared:
        yield _bad(
            "replicas-alone",
            f"{replicas} replicas, but not {' and not '.join(shared)}: they cannot know of each other's calls",
            "one replica, or Postgres and Redis beside them",
            "run `offhook railway deploy --replicas N --databases`, or set the replicas to 1",
            "warn",
        )
    if it.volume is not None:
        yield _bad(
            "volume-no-overlap",
            f"a volume is mounted at {it.volume}: Railway then stops the old server before it starts the new one",
            "no volume, so that old and new overlap and no call is refused",
            "keep what must last in Postgres, and detach the volume",
            "warn",
        )


def _folder(it: Service) -> Iterator[Finding]:
    """Compare the root directory with where the Dockerfile stands in this checkout, where the service builds one."""
    top = next((each for each in (it.folder, *it.folder.absolute().parents) if (each / ".git").exists()), None)
    if top is None or not isinstance(it.instance.source, Repository):
        return
    root = (it.instance.settings.root_directory or "").strip("/")
    if (top / root / "Dockerfile").is_file() or not (it.folder / "Dockerfile").is_file():
        return
    here = it.folder.absolute().relative_to(top.absolute()).as_posix()
    yield _bad(
        "root-directory",
        f"Railway builds {'/' + root}, where this repository has no Dockerfile",
        f"the folder of the Dockerfile: /{'' if here == '.' else here}",
        "set the root directory in the service's settings under Source",
    )


def _domains(it: Service) -> Iterator[Finding]:
    if not it.domains:
        yield _bad("no-domain", "the service has no domain, so nobody can reach it", "a domain")
    for domain in it.domains:
        if domain.target_port not in (None, it.port):
            yield _bad(
                "target-port",
                f"{domain.name} leads to port {domain.target_port}, while PORT is {it.port}",
                "one port for both",
            )
        if domain.status is not None:
            yield from _custom(domain)
    if it.ports and it.port not in it.ports:
        yield _bad(
            "listening-port",
            f"the server listens on {', '.join(map(str, it.ports))}, while PORT is {it.port}",
            "a server that listens on PORT",
            "remove OFFHOOK_SERVER__PORT and any start command; then deploy",
        )


def _custom(domain: Domain) -> Iterator[Finding]:
    assert domain.status is not None
    records = [
        f"{r['recordType'].removeprefix('DNS_RECORD_TYPE_')} {r['fqdn']} = {r['requiredValue']}"
        for r in domain.status["dnsRecords"]
        if r["status"] != "DNS_RECORD_STATUS_PROPAGATED"
    ]
    if not domain.status["verified"]:
        host, token = domain.status["verificationDnsHost"], domain.status["verificationToken"]
        records += [f"TXT {host} = {token}"] if host and token else []
        yield _bad(
            "domain-unverified",
            f"{domain.name} is not verified yet, so it answers 404",
            "its records at the name's registrar",
            f"add there: {'; '.join(records) or 'the records that Railway shows'}",
        )
    elif records:
        yield _bad("domain-records", f"{domain.name} lacks records", "its records", f"add: {'; '.join(records)}")
    elif domain.status["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED":
        yield _bad(
            "certificate",
            f"Railway could not get a certificate for {domain.name}",
            "a valid certificate",
            "take CAA records and proxies off the name, then remove the domain from the service and add it again",
        )
