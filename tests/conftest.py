"""Shared fixtures: every async test fails on a leaked task, thread, socket or child process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest
import pytest_asyncio
import structlog

#: The vendors' own contracts lie beside the project on machines that judge with them; elsewhere those tests skip.
VENDOR_CONTRACTS = Path(os.environ.get("OFFHOOK_VENDOR_CONTRACTS", Path(__file__).parents[2] / "shared" / "data"))

#: Looks, each 10 ms after the last, before what a test left behind is a leak: a crowded machine takes its time.
_PATIENCE = 2000


def pytest_configure() -> None:
    """Take back that signals are ignored, as a shell that started this in the background or `nohup` asks.

    The programs of the tests inherit it, and a test that presses Ctrl-C would wait for ever.
    """
    for name, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


#: The examples of a property are the same on every run and may take any time, so that neither chance nor a crowded
#: machine decides about a change. `--hypothesis-profile=default` looks for new ones.
hypothesis.settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("same")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the whole suite among workers; tests that are named run right here, where a debugger finds them."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword
    return 0 if named else max(2, os.cpu_count() or 1)


@pytest.fixture
def vendor_contracts() -> Path:
    """The folder with the vendors' AsyncAPI and OpenAPI documents, or a skip that says what is missing."""
    if not VENDOR_CONTRACTS.is_dir():
        pytest.skip(f"no vendor contracts at {VENDOR_CONTRACTS}; set OFFHOOK_VENDOR_CONTRACTS")
    return VENDOR_CONTRACTS


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """Undo what a test has configured of the log: its stream is closed by the time of the next test."""
    yield
    structlog.reset_defaults()


def _sockets() -> set[str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return set()
    found = set()
    for entry in folder.iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest_asyncio.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Fail when a test leaves a task behind. (A sync test has a loop with nothing on it.)"""
    before = asyncio.all_tasks()
    yield
    for _ in range(_PATIENCE):
        left = [t for t in asyncio.all_tasks() - before if t is not asyncio.current_task()]
        if not left:
            return
        await asyncio.sleep(0.01)
    pytest.fail("leaked tasks: " + "; ".join(repr(task.get_coro()) for task in left))


@pytest.fixture(autouse=True)
def no_leaked_threads_sockets_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail when a test leaves a thread, a socket or a child process behind, unless a wider fixture owns it."""
    owned_elsewhere = any("offhook_shared" in name for name in request.fixturenames)
    threads, sockets = set(threading.enumerate()), _sockets()
    children = set(psutil.Process().children())
    yield
    if owned_elsewhere:
        return
    deadline = _PATIENCE
    while deadline:
        gc.collect() if deadline < _PATIENCE - 5 else None
        extra_threads = [t for t in threading.enumerate() if t not in threads and not t.daemon]
        extra_sockets = _sockets() - sockets
        extra_children = [p for p in psutil.Process().children() if p not in children]
        if not (extra_threads or extra_sockets or extra_children):
            return
        deadline -= 1
        threading.Event().wait(0.01)
    pytest.fail(f"leaked: threads {extra_threads}, sockets {len(extra_sockets)}, children {extra_children}")
