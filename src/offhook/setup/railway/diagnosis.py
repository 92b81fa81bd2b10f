"""What a deployment's state means, and what to do: the same words for setup and for the doctor. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from offhook.setup.railway.deployment import UNDER_WAY, Deployment
from offhook.setup.railway.wanted import ServiceSettings

_TAIL: Final = 3
#: What the last attempt of a health check got: a status, or no answer at all (Railway, "Healthchecks").
_ANSWERED: Final = re.compile(r"status (?:code )?(\d{3})|service unavailable")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One state with its fix. ``cause`` names it for programs; "ok" means that it runs."""

    cause: str
    said: str
    fix: str = ""

    @property
    def is_good(self) -> bool:
        """Whether a process of it runs and nothing replaced it."""
        return self.cause == "ok"


def diagnose(it: Deployment, settings: ServiceSettings, newer: str | None = None) -> Diagnosis:
    """Say what the state of a deployment means. ``newer`` is the id of a deployment that came after it."""
    if it.status in UNDER_WAY:
        return _under_way(it)
    match it.status:
        case "SUCCESS":
            return _active(it, settings)
        case "FAILED":
            return _failed(it, settings)
        case "CRASHED":
            return _crashed(it)
        case "SLEEPING":
            return Diagnosis(
                "sleeping",
                "the service sleeps: nothing was sent for ten minutes, and the next caller waits or is refused",
                "turn Serverless (sleepApplication) off; `offhook railway deploy` does that, then deploys",
            )
        case "SKIPPED":
            return Diagnosis(
                "skipped",
                "Railway skipped this deployment: no watched file changed, or the checks of the commit failed",
                "look at the commit's checks and the service's watch paths, then deploy again",
            )
        case _:
            return _removed(it, newer)


def _under_way(it: Deployment) -> Diagnosis:
    match it.status:
        case "WAITING":
            return Diagnosis(
                "waiting-for-checks",
                "the deployment waits for the checks of its commit",
                "wait for them, or turn `Wait for CI` off in the service's settings",
            )
        case "NEEDS_APPROVAL":
            return Diagnosis(
                "needs-approval",
                "the deployment waits until somebody approves it",
                "approve it in Railway's pages, under Deployments",
            )
    return Diagnosis("under-way", f"a deployment is under way ({it.status.lower()})", "wait until it has ended")


def _active(it: Deployment, settings: ServiceSettings) -> Diagnosis:
    if it.is_running:
        return Diagnosis("ok", "the deployment is active and its process runs")
    if not it.instances and not it.is_stopped:  # not told is not known: whoever asks the server itself finds out
        return Diagnosis("ok", "the deployment is active; Railway tells of no process")
    if settings.cron_schedule:
        return Diagnosis(
            "cron", "the service has a cron schedule, so it is a job that ends", "clear the schedule, then deploy"
        )
    if it.is_stopped:
        return Diagnosis(
            "stopped",
            "somebody stopped the deployment, or a usage limit did",
            "look at the project's activity and usage, then deploy again",
        )
    if "EXITED" in it.instances:
        return Diagnosis(
            "exited-0",
            "the process ended with code 0, which Railway takes as finished and does not start again" + _last_lines(it),
            "clear the start command so that `offhook serve` runs, and look at its last lines; then deploy again",
        )
    if {"CRASHED", "RESTARTING"} & set(it.instances):
        return Diagnosis("restarting", f"the process keeps ending{_last_lines(it)}", _CRASH_FIX)
    return Diagnosis(
        "no-instance",
        "the deployment counts as active, but no process of it runs",
        "deploy again; if that does not help, look at the project's usage limits",
    )


_CRASH_FIX: Final = "correct what its last lines say (settings are the service's variables), then deploy again"


def _crashed(it: Deployment) -> Diagnosis:
    if (wrong := _settings(it)) is not None:
        return wrong
    if "killed" in " ".join(event.said for event in it.events).lower():
        said, fix = "the process was killed, as a rule for want of memory", "choose a plan with more memory"
        return Diagnosis("killed", said, fix)
    return Diagnosis(
        "crashed", f"the process ended with an error each time it was started{_last_lines(it)}", _CRASH_FIX
    )


def _settings(it: Deployment) -> Diagnosis | None:
    """Return what offhook said about its settings before it ended, where it did."""
    problems = [line.message for line in it.run if line.message.startswith("config: ")]
    if not problems:
        return None
    said = f"the settings are wrong: {'; '.join(p.removeprefix('config: ') for p in _unique(problems))}"
    return Diagnosis("crashed-settings", said, "correct the service's variables, then deploy again")


def _removed(it: Deployment, newer: str | None) -> Diagnosis:
    if newer:
        return Diagnosis(
            "superseded",
            f"deployment {it.id} was replaced by {newer}; what its log says is over",
            "look at the newest deployment",
        )
    return Diagnosis("removed", "the newest deployment was removed, so nothing runs", "deploy again")


def _failed(it: Deployment, settings: ServiceSettings) -> Diagnosis:
    event = it.failed_event
    said = (event.said if event else "") or "no reason"
    match event.step if event else "BUILD_IMAGE" if it.build and not it.run else "":
        case "HEALTHCHECK":
            return _health(it, settings.healthcheck_path or "/", said)
        case "BUILD_IMAGE" | "PUBLISH_IMAGE":
            return _build(it, settings.root_directory or "the repository's root", said)
        case "SNAPSHOT_CODE":
            fix = "let Railway's GitHub app see the repository, and check the branch's name"
            return Diagnosis("source", f"Railway could not fetch the code: {said}", fix)
        case "PRE_DEPLOY_COMMAND":
            return Diagnosis("pre-deploy", f"the pre-deploy command failed: {said}", "clear it: offhook needs none")
        case "CREATE_CONTAINER":
            fix = "clear the start command; for an image, check its name and whether Railway may read it"
            return Diagnosis("container", f"the container could not be created: {said}", fix)
    fix = "look at its logs in Railway's pages, then deploy again"
    return Diagnosis("failed", f"the deployment failed: {said}", fix)


def _health(it: Deployment, path: str, said: str) -> Diagnosis:
    tries = [said, *(line.message for line in reversed(it.build))]
    told = next((found for text in tries if (found := _ANSWERED.search(text.lower()))), None)
    last = _last_lines(it)
    if (wrong := _settings(it)) is not None:  # Railway asked a process that had ended, and gave up before the restarts
        return wrong
    if told is not None and told[1] is None:
        return Diagnosis(
            "health-unreachable",
            f"nothing answered the health check at {path}{last}",
            "let the process listen on PORT on all interfaces: set no other port, and clear the start command",
        )
    if told is not None and told[1] in ("404", "405", "426"):
        return Diagnosis(
            "health-path",
            f"{path} is not answered with 200 by what runs there",
            "set the health check path to /readyz, and let `offhook serve` be what runs",
        )
    return Diagnosis(
        "health-failed",
        f"the server started, but said at {path} that it would not take a call{last}",
        "read the reason in its log (as a rule a key that is refused), correct it, then deploy again",
    )


def _build(it: Deployment, where: str, said: str) -> Diagnosis:
    if any("could not determine how to build" in line.message.lower() for line in it.build):
        return Diagnosis(
            "no-dockerfile",
            f"Railway found neither a Dockerfile nor a Python project in {where}",
            "commit the Dockerfile that `offhook init` writes, spelled with a capital D, or set the root directory",
        )
    last = "; ".join(line.message for line in it.build[-_TAIL:])
    return Diagnosis(
        "build-failed",
        f"the image could not be built: {last or said}",
        "correct what the build log says, push, and deploy again",
    )


def _last_lines(it: Deployment) -> str:
    """Return the end of the process's log; offhook's own log has no secrets in it."""
    lines = [line.message.strip() for line in it.run if line.message.strip() and not _is_platforms(line.message)]
    return f"; its last lines: {' / '.join(line[:160] for line in lines[-_TAIL:])}" if lines else "; it wrote nothing"


def _is_platforms(message: str) -> bool:
    return message in ("Starting Container", "Stopping Container")


def _unique(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(lines))
