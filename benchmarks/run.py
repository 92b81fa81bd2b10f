"""Measure servers against the bare C relay, in turn on the same core: ratios in one run, never bare times. Not a test.

    python benchmarks/run.py [--calls 200] [--seconds 30] [--rounds 3] [--peer picows] [--server-cmd "CMD {port}"]

Needs Linux, a C compiler and psutil. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))
import build
import contenders
import report
from contenders import Contender

from offhook.cli.free_port import free_port

READY_S, STOP_S, RAMP_PER_S = 60, 10, 50
#: A run whose load was later than this (p99), or whose server waited this share of the time for its core, measured
#: somebody else's work; it is done again, so many times.
LATE_MS, WAIT_SHARE, TRIES = 50, 0.05, 4
WARM_UP = "run 8 2\n"

Result = dict[str, Any]


def pinned(command: list[str], core: int) -> list[str]:
    """Put server and load on a core each; before all other work where `BENCH_FIRST=1` asks for it (root only)."""
    if os.environ.get("BENCH_FIRST"):
        command = ["chrt", "--rr", "1", *command]
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return command
    return ["taskset", "-c", str(cores[core % len(cores)]), *command]


class Load:
    """The C load as a child process: commands in, one line of JSON per phase out."""

    def __init__(self, program: Path, contender: Contender, port: int, options: list[str]) -> None:
        road = ["--target", f"127.0.0.1:{port}", "--ramp", str(RAMP_PER_S), *contender.load_options()]
        command = [str(program), *road, *options]
        token = {"OFFHOOK_BENCH_TOKEN": contenders.TOKEN} if contender.signed else {}
        self.process = subprocess.Popen(
            pinned(command, 1), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **token}
        )
        self.agent_port = int(self.phase("listening")["agent_port"])

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def phase(self, wanted: str) -> Result:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message: Result = json.loads(line)
            if message["phase"] == wanted:
                return message
        raise SystemExit(f"the load ended before `{wanted}` (exit {self.process.wait()})")

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        stop(self.process)


def stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None and process.stdin is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(process: subprocess.Popen[Any], port: int, path: str | None, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended at its start:\n{log.read_text(errors='replace')[-3000:]}")
        with contextlib.suppress(OSError):
            if path is None:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    raise SystemExit(f"the server was not ready within {READY_S} s:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def serving(contender: Contender, port: int, agent_port: int, folder: Path) -> Iterator[psutil.Process]:
    """Run the server in an empty folder, so that nobody's .env or offhook.toml takes part."""
    command, environment = contender.filled(port, agent_port)
    log = folder / "server.log"
    with log.open("wb") as out:
        on_core = pinned(command, 0)
        process = subprocess.Popen(on_core, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_ready(process, port, contender.ready_path, log)
        yield psutil.Process(process.pid)
    finally:
        stop(process)


def keep_log(folder: Path, kept: Path, name: str) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    number = len(list(kept.glob("*.log")))
    shutil.copyfile(folder / "server.log", kept / f"{number:02}-{name.replace(' ', '-')}.log")


def cpu_s(server: psutil.Process) -> float:
    """CPU time of the process and its living children, user and system, in seconds."""
    return sum(sum(p.cpu_times()[:2]) for p in (server, *server.children(recursive=True)))


def waited_s(server: psutil.Process) -> float:
    """Time the process was ready to run and had no core, in seconds; 0 where the kernel does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return sum(
            int(Path(f"/proc/{p.pid}/schedstat").read_text().split()[1]) / 1e9
            for p in (server, *server.children(recursive=True))
        )
    return 0.0


def rss(server: psutil.Process) -> int:
    return sum(int(p.memory_info().rss) for p in (server, *server.children(recursive=True)))


class Peak(threading.Thread):
    """Remembers the largest RSS until it is stopped."""

    def __init__(self, server: psutil.Process) -> None:
        super().__init__()
        self.server, self.bytes, self.over = server, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.25):
            self.bytes = max(self.bytes, rss(self.server))


def measure(contender: Contender, options: argparse.Namespace, load_program: Path) -> Result:
    """One run of one contender, from a fresh server."""
    port = free_port()
    extra = ["--agent", options.agent, "--barge", str(options.barge)]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if options.logs:
            stack.callback(keep_log, Path(folder), options.logs, contender.name)
        load = Load(load_program, contender, port, extra)
        stack.callback(load.stop)
        server = stack.enter_context(serving(contender, port, load.agent_port, Path(folder)))
        load.say(WARM_UP)
        load.phase("result")
        base, begin = rss(server), cpu_s(server)
        peak = Peak(server)
        peak.start()
        try:
            load.say(f"run {options.calls} {options.seconds}\n")
            load.phase("steady")
            cpu, clock, stolen = cpu_s(server), time.monotonic(), psutil.cpu_times().steal
            waited = waited_s(server)
            load.phase("tail")
            used, lasted = cpu_s(server) - cpu, time.monotonic() - clock
            waited = waited_s(server) - waited
            stolen = (psutil.cpu_times().steal - stolen) / lasted / (os.cpu_count() or 1)
            result = load.phase("result")
        finally:
            peak.over.set()
            peak.join()
    result["name"] = contender.name
    result["cpu_ms_per_call_second"] = used * 1000 / lasted / options.calls
    result["core_share"] = used / lasted
    result["steal_share"] = stolen
    result["wait_share"] = waited / lasted
    result["cpu_ms_until_steady_per_call"] = (cpu - begin) * 1000 / options.calls
    result["kib_per_call"] = (peak.bytes - base) / 1024 / options.calls
    result["base_rss_mib"] = base / 2**20
    return result


def measure_fairly(contender: Contender, options: argparse.Namespace, load_program: Path) -> Result:
    """Measure until the load was on time; the last try counts whatever it was, and the report says so."""
    for _ in range(TRIES - 1):
        result = measure(contender, options, load_program)
        late = result["load_lateness"]["p99_ms"]
        if late <= LATE_MS and result["wait_share"] <= WAIT_SHARE:
            return result
        waited = (
            f"the load was {late:.0f} ms late, the server waited {result['wait_share']:.0%} of the time for its core"
        )
        print(f"{contender.name}: again, {waited}", file=sys.stderr, flush=True)
    return measure(contender, options, load_program)


def machine() -> Result:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":")[1].strip() for x in lines if "model name" in x), "")
    kernel = platform.release().partition("-")[0]
    return {"cpu": model, "cores": os.cpu_count(), "kernel": kernel, "python": platform.python_version()}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agent", choices=("realtime", "burst"), default="realtime")
    parser.add_argument("--barge", type=float, default=5, help="seconds of agent audio between two barge-ins")
    parser.add_argument("--peer", action="append", default=[], help="also measure this relay from peers/")
    parser.add_argument("--server-cmd", help="measure any server: a command with {port} and {agent_port}")
    parser.add_argument("--stream", default="/twilio", help="stream path of --server-cmd")
    parser.add_argument("--webhook", help="voice webhook path of --server-cmd")
    parser.add_argument("--without-offhook", action="store_true")
    parser.add_argument("--logs", type=Path, help="keep what the servers wrote in this folder")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "last.local.json")
    return parser.parse_args()


def entrants(options: argparse.Namespace, relay: Path) -> list[Contender]:
    chosen = [contenders.c_relay(relay)]
    if not options.without_offhook:
        chosen.append(contenders.offhook(options.calls))
    if options.server_cmd:
        chosen.append(contenders.foreign(options.server_cmd, options.stream, options.webhook))
    return chosen + [contenders.peer(name) for name in options.peer]


def main() -> int:
    options = read_options()
    try:
        programs = build.build()
    except build.NoCompiler as missing:
        sys.exit(str(missing))
    chosen = entrants(options, programs["relay"])
    runs: dict[str, list[Result]] = {c.name: [] for c in chosen}
    for n in range(options.rounds):
        for contender in chosen:
            result = measure_fairly(contender, options, programs["load"])
            runs[contender.name].append(result)
            said = report.faults_of(result) or "exact"
            cpu = result["cpu_ms_per_call_second"]
            print(f"round {n + 1} {contender.name}: {cpu:.2f} ms per call-second, {said}", file=sys.stderr, flush=True)
    base = runs[chosen[0].name]
    lines = [report.summary(name, results, base) for name, results in runs.items()]
    said = f"{options.calls} calls in real time, {options.seconds:.0f} s, {options.rounds} rounds"
    print(f"\n{said}, agent {options.agent}\n")
    print(report.table(lines))
    print()
    for line in lines[1:]:
        print(*report.verdict(line), sep="\n")
    stolen = statistics.median(s["steal_share"] for s in lines)
    if stolen > 0.02:
        print(f"other machines on this host took {stolen:.0%} of the cores: only ratios mean something here")
    if max(s["wait_share"] for s in lines) > WAIT_SHARE:
        print("other work held the servers' core: the delays are upper bounds")
    if max(s["load_lateness"]["p99_ms"] for s in lines) > 2:
        print("the load itself was late (p99 over 2 ms): this machine was busy, and the delays are upper bounds")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    asked = {k: v for k, v in vars(options).items() if k in ("calls", "seconds", "rounds", "agent", "barge")}
    written = {"machine": machine(), "asked": asked, "lines": lines, "runs": runs}
    options.out.write_text(json.dumps(written, indent=1) + "\n")
    return 0 if all(s["exact"] and not s["leaked"] for s in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
