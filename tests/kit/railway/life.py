"""The life of a deployment: fetched, built, started as a real process, asked for its health, replaced, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
from tests.kit.image import _copy as copy_context
from tests.kit.image import steps
from tests.kit.ports import free_port
from tests.kit.railway.state import Container, Deployment, Event, Line, Service, now, provided, rendered

#: What Railpack takes for a Python project (its documentation, "Languages: Python").
MARKERS = ("main.py", "app.py", "start.py", "bot.py", "hello.py", "server.py", "requirements.txt", "pyproject.toml")
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG")


@dataclass(slots=True)
class Pace:
    """How long things take here. ``scale`` is what one of Railway's seconds is worth.

    A health check keeps its own seconds, since what it waits for is a real process on a machine that may be busy;
    ``wrong_answers`` ends it earlier, after so many answers that are not 200.
    """

    scale: float = 0.02
    wrong_answers: int | None = None
    step_s: float = 0.0
    probe_s: float = 0.05


@dataclass(slots=True)
class Code:
    """What can be deployed: GitHub repositories (name → folder; ``branches`` of each) and images (name → folder)."""

    repositories: dict[str, Path] = field(default_factory=dict)
    branches: dict[str, set[str]] = field(default_factory=dict)
    images: dict[str, Path] = field(default_factory=dict)


class Life:
    """Runs deployments. ``build_error`` makes every build fail with these lines; cleared, ``going`` holds them up."""

    def __init__(self, code: Code, pace: Pace) -> None:
        self.code, self.pace = code, pace
        self.build_error: list[str] = []
        self.going = asyncio.Event()
        self.going.set()
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping: set[str] = set()
        self._built: dict[str, tuple[Path, dict[str, str], list[str]]] = {}
        self._images = tempfile.TemporaryDirectory(prefix="railway-")

    # --- from outside

    def deploy(self, service: Service) -> Deployment:
        """Start a deployment with the service's variables and settings as they are now."""
        variables = rendered(service) | provided(service)
        it = Deployment(service, variables=variables, settings=dict(service.settings))
        it.variables["RAILWAY_DEPLOYMENT_ID"] = it.id
        service.deployments.append(it)
        self._begin(self._live(it))
        return it

    def wake(self, it: Deployment) -> None:
        """Start what sleeps."""
        if it.status == "SLEEPING":
            it.becomes("SUCCESS")
            self._begin(self._start(it))

    async def put_to_sleep(self, it: Deployment) -> None:
        """Stop it as Serverless does after ten minutes without a packet sent."""
        it.becomes("SLEEPING")
        await self._stop(it, "STOPPED")

    async def remove(self, it: Deployment) -> None:
        """Stop it for good."""
        it.becomes("REMOVING")
        await self._stop(it, "REMOVED")
        it.becomes("REMOVED")

    async def stop(self, it: Deployment) -> None:
        """Stop it as the button does."""
        it.stopped = True
        await self._stop(it, "STOPPED")

    def listening(self, container: Container) -> set[int]:
        """Return the ports of this machine that a container listens on."""
        try:
            process = psutil.Process(container.pid or 0)
            family = [process, *process.children(recursive=True)]
            found = [each for one in family for each in one.net_connections(kind="tcp")]
        except psutil.Error:
            return set()
        return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}

    async def close(self) -> None:
        """End everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for key in list(self._processes):
            await self._kill(key)
        self._images.cleanup()

    def _begin(self, doing: object) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- one deployment

    async def _live(self, it: Deployment) -> None:
        await self._step()
        it.becomes("INITIALIZING")
        folder = await self._fetch(it)
        if folder is None or not (it.service.image or await self._build(it, folder)):
            return
        it.becomes("DEPLOYING")
        if not await self._create(it, folder) or not await self._health(it):
            return
        it.becomes("SUCCESS")
        await self._replace(it)

    async def _step(self) -> None:
        await asyncio.sleep(self.pace.step_s)
        await self.going.wait()

    async def _fetch(self, it: Deployment) -> Path | None:
        event = self._event(it, "SNAPSHOT_CODE")
        await self._step()
        service = it.service
        if service.image:
            folder = self.code.images.get(service.image)
            error = f"image {service.image} not found or not allowed"
            event.step = "CREATE_CONTAINER" if folder is None else event.step
        else:
            folder = self.code.repositories.get(service.repo or "")
            known = self.code.branches.get(service.repo or "", {service.branch})
            error = f"repository or branch not found: {service.repo}@{service.branch}"
            folder = folder if service.branch in known else None
        if folder is None:
            return self._fails(it, event, error)
        _done(event)
        return folder / (it.settings["rootDirectory"] or "").strip("/")

    async def _build(self, it: Deployment, folder: Path) -> bool:
        it.becomes("BUILDING")
        event = self._event(it, "BUILD_IMAGE")
        await self._step()
        if self.build_error:
            it.build += [Line(text, "error") for text in self.build_error]
            return self._fails(it, event, "the build ended with exit code 1") is not None
        names = _names(folder)
        if "Dockerfile" in names:
            it.build += [Line("Using Detected Dockerfile"), Line("[internal] load build definition from Dockerfile")]
        elif names & set(MARKERS):
            it.build.append(Line("Using Railpack: Python"))
        else:
            it.build += [Line("Railpack could not determine how to build the app.", "error"), Line("The app contents:")]
            return self._fails(it, event, "the build ended with exit code 1") is not None
        it.build.append(Line("=== Successfully Built! ==="))
        _done(event)
        _done(self._event(it, "PUBLISH_IMAGE"))
        return True

    async def _create(self, it: Deployment, folder: Path) -> bool:
        if it.settings["preDeployCommand"]:
            return self._fails(it, self._event(it, "PRE_DEPLOY_COMMAND"), "exit code 1") is not None
        event = self._event(it, "CREATE_CONTAINER")
        it.containers = [
            Container(port=int(it.variables.get("PORT", "8080"))) for _ in range(it.settings["numReplicas"] or 1)
        ]
        self._built[it.id] = (self._copied(folder), *_image(folder))
        try:
            await self._start(it)
        except OSError as error:
            return self._fails(it, event, f"the start command could not be run: {error.strerror}") is not None
        _done(event)
        return True

    def _copied(self, folder: Path) -> Path:
        """Copy what goes into the image: what .dockerignore keeps out is not in the container either."""
        target = Path(tempfile.mkdtemp(dir=self._images.name)) / "app"
        copy_context(folder, ".", target, into_folder=False)
        return target

    async def _start(self, it: Deployment) -> None:
        for container in it.containers:
            await self._run(it, container)
            self._begin(self._watch(it, container))

    async def _run(self, it: Deployment, container: Container) -> None:
        folder, image_env, image_command = self._built[it.id]
        command = (it.settings["startCommand"] or "").split() or image_command
        command = [sys.executable if word in ("python", "python3") else word for word in command]
        container.host_port = free_port()
        environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environ |= image_env | it.variables | {"PORT": str(container.host_port), "RAILWAY_REPLICA_ID": container.id}
        environ |= {"PYTHONUNBUFFERED": "1"}
        self.commands.append(command)
        self.environments.append(environ)
        it.run.append(Line("Starting Container", instance=container.id))
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environ, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._processes[container.id] = process
        container.pid, container.status = process.pid, "RUNNING"

    async def _watch(self, it: Deployment, container: Container) -> None:
        """Read the process's output and act on its end, as the restart policy says."""
        while True:
            process = self._processes[container.id]
            await asyncio.gather(*(self._read(it, container, s, k) for s, k in _streams(process)))
            code = await process.wait()
            process._transport.close()  # type: ignore[attr-defined] # or its pipes outlive the loop
            it.run.append(Line("Stopping Container", instance=container.id))
            if container.id in self._stopping:
                return
            if not self._restarts(it, container, code):
                return
            container.restarts += 1
            container.status = "RESTARTING"
            await self._step()
            await self._run(it, container)

    def _restarts(self, it: Deployment, container: Container, code: int) -> bool:
        policy, most = it.settings["restartPolicyType"], it.settings["restartPolicyMaxRetries"]
        if policy == "ALWAYS" or (policy == "ON_FAILURE" and code != 0 and container.restarts < most):
            return True
        container.status = "EXITED" if code == 0 else "CRASHED"
        if code != 0 and not any(each.status == "RUNNING" for each in it.containers):
            it.becomes("CRASHED")
        return False

    async def _read(self, it: Deployment, container: Container, stream: asyncio.StreamReader, severity: str) -> None:
        while line := await stream.readline():
            text = line.decode("utf-8", "replace").rstrip()
            message, level = text, severity
            if text.startswith("{"):
                with contextlib.suppress(ValueError):
                    told = json.loads(text)
                    message, level = told.get("message", text), told.get("level", severity)
            it.run.append(Line(message, level, instance=container.id))

    async def _health(self, it: Deployment) -> bool:
        path = it.settings["healthcheckPath"]
        if not path:
            return it.status != "CRASHED"
        window, wrong = it.settings["healthcheckTimeout"] or 300, 0
        event = self._event(it, "HEALTHCHECK", maxAttempts=0)
        loop, said = asyncio.get_running_loop(), "service unavailable"
        deadline = loop.time() + window
        async with aiohttp.ClientSession() as session:
            while loop.time() < deadline and it.status != "CRASHED":
                event.payload["attempt"] = event.payload.get("attempt", 0) + 1
                container = it.containers[-1]
                said = await _probe(session, container, path)
                if not said:
                    _done(event)
                    return True
                wrong += said.startswith("status")
                if self.pace.wrong_answers is not None and wrong > self.pace.wrong_answers:
                    break
                it.build.append(Line(f"Attempt #{event.payload['attempt']} failed with {said}", "error"))
                await asyncio.sleep(self.pace.probe_s)
        if it.status == "CRASHED":
            return False
        it.build.append(Line("1/1 replicas never became healthy!", "error"))
        await self._stop(it, "STOPPED")
        return self._fails(it, event, f"Healthcheck failed: {said}") is not None

    async def _replace(self, it: Deployment) -> None:
        """Remove what was active before, with overlap and drain as its own settings say."""
        for old in it.service.deployments:
            if old is not it and old.status in ("SUCCESS", "SLEEPING", "CRASHED"):
                old.becomes("REMOVING")
                await asyncio.sleep((old.settings["overlapSeconds"] or 0) * self.pace.scale)
                event = self._event(old, "DRAIN_INSTANCES")
                await self._stop(old, "REMOVED")
                _done(event)
                old.becomes("REMOVED")

    async def _stop(self, it: Deployment, status: str) -> None:
        """SIGTERM, then after the drain SIGKILL: at once where it is 0."""
        for container in it.containers:
            self._stopping.add(container.id)
            process = self._processes.get(container.id)
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                drain = it.settings["drainingSeconds"] or 0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), max(drain * self.pace.scale, 0.001) if not drain else 60)
                await self._kill(container.id)
            container.status = status
            self._stopping.discard(container.id) if status == "STOPPED" else None

    async def _kill(self, key: str) -> None:
        process = self._processes[key]
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined] # or its pipes outlive the loop

    # --- events

    def _event(self, it: Deployment, step: str, **payload: object) -> Event:
        event = Event(step, payload=dict(payload))
        it.events.append(event)
        return event

    def _fails(self, it: Deployment, event: Event, error: str) -> None:
        event.payload["error"] = error
        event.completed = now()
        it.becomes("FAILED")


def _done(event: Event) -> None:
    event.completed = now()


def _streams(process: asyncio.subprocess.Process) -> list[tuple[asyncio.StreamReader, str]]:
    assert process.stdout is not None
    assert process.stderr is not None
    return [(process.stdout, "info"), (process.stderr, "error")]


async def _probe(session: aiohttp.ClientSession, container: Container, path: str) -> str:
    """Ask once; return what is wrong, or nothing."""
    url = f"http://127.0.0.1:{container.host_port}{path}"
    headers = {"Host": "healthcheck.railway.app"}
    try:
        async with session.get(url, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(5)) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except (aiohttp.ClientError, OSError):
        return "service unavailable"


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()} if folder.is_dir() else set()


def _image(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the command of the folder's Dockerfile; without one, what Railpack would start."""
    if not (folder / "Dockerfile").is_file():
        return {}, ["python", "main.py"]
    instructions = steps((folder / "Dockerfile").read_text(encoding="utf-8"))
    pairs = [part.split("=", 1) for word, rest in instructions if word == "ENV" for part in shlex.split(rest)]
    return dict(pairs), json.loads(next(rest for word, rest in instructions if word == "CMD"))
