"""Which signals stop us, and what usually sends each on the platform we run on. Words only; handles no signal.

Imports no settings: a signal may come while those are being imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from offhook.platforms import platform_of

#: SIGHUP and SIGQUIT would end Python without a word; Windows has none of the three.
STOPPING: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGBREAK")
#: What sends SIGTERM (Fly.io: or SIGINT, as its kill_signal says), from each platform's own documentation.
_SENDS: Final[Mapping[str, str]] = {
    "Railway": "a newer deployment takes over, or somebody restarted, stopped or removed this one, or Railway moves it "
    "to another machine; it is killed after drainingSeconds",
    "Fly.io": "a deployment, a machine stopped by somebody or for want of traffic; it is killed after kill_timeout",
    "Render": "a newer deployment has taken over, or somebody restarted or suspended the service; it is killed after "
    "maxShutdownDelaySeconds",
    "Cloud Run": "this instance is not needed any more, or a newer revision takes over; it is killed about 10 s later",
    "Heroku": "a deployment, a changed config var, or the daily restart; it is killed 30 s later",
    "Kubernetes": "its pod is deleted: a rollout, fewer replicas, or a node that is emptied; it is killed after "
    "terminationGracePeriodSeconds",
    "systemd": "systemctl stop or restart, or the machine shuts down; it is killed after TimeoutStopSec",
    "a container": "the container is stopped or replaced; it is killed after the stop's grace period, 10 s by default",
}
_ELSEWHERE: Final[Mapping[str, str]] = {
    "SIGTERM": "somebody's kill, or the system shuts down",
    "SIGINT": "the keyboard, Ctrl-C",
    "SIGHUP": "its terminal was closed",
    "SIGQUIT": "the keyboard, or somebody who does not want to wait",
    "SIGBREAK": "the keyboard, Ctrl-Break",
}


def host_of(environ: Mapping[str, str]) -> str:
    """Return what we run on, as far as the environment tells; empty where it does not."""
    platform = platform_of(environ)
    if platform is not None:
        return platform
    if environ.get("INVOCATION_ID"):
        return "systemd"
    return "a container" if os.getpid() == 1 or Path("/.dockerenv").exists() else ""


def drains(name: str, environ: Mapping[str, str]) -> bool:
    """Say whether a signal asks us to end politely: SIGTERM, and Fly.io's SIGINT, where nobody has a keyboard."""
    return name == "SIGTERM" or (name == "SIGINT" and host_of(environ) == "Fly.io")


def why(name: str, environ: Mapping[str, str]) -> str:
    """Return in one line what a signal means here."""
    host = host_of(environ)
    if host and drains(name, environ):
        return f"{name} on {host}: as a rule {_SENDS[host]}"
    return f"{name}: as a rule {_ELSEWHERE.get(name, 'somebody who wants it to stop')}"
