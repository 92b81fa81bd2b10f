"""For whoever sets everything in Railway's own pages: the exact values, page by page. Pure; shows no secret."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import fields

from offhook.setup.railway.wanted import Image, ServiceSettings, Wanted, shown

#: Where each setting stands in Railway's pages, in the order in which one comes to it there.
_PAGES = {
    "healthcheck_path": ("Settings, Deploy", "Healthcheck Path"),
    "healthcheck_timeout": ("Settings, Deploy", "Healthcheck Timeout (seconds)"),
    "draining_seconds": ("Settings, Deploy", "Draining Seconds (Deployment Teardown)"),
    "overlap_seconds": ("Settings, Deploy", "Overlap Seconds (Deployment Teardown)"),
    "restart_policy_type": ("Settings, Deploy", "Restart Policy"),
    "restart_policy_max_retries": ("Settings, Deploy", "Max restart retries"),
    "sleep_application": ("Settings, Deploy", "Serverless"),
    "num_replicas": ("Settings, Scale", "Replicas"),
    "start_command": ("Settings, Deploy", "Custom Start Command"),
    "cron_schedule": ("Settings, Deploy", "Cron Schedule"),
    "root_directory": ("Settings, Source", "Root Directory"),
}


def pages(wanted: Wanted, public: Container[str] = ()) -> list[str]:
    """Return the lines to print. ``public`` are the variables whose values may be shown; of others, only the name."""
    source = f"connect {wanted.source}" if wanted.source else "connect the repository or image"
    lines = [
        f"1. railway.com, New Project: name it {wanted.project}; add an Empty Service and name it {wanted.service}.",
        "2. Service, Variables, Raw Editor (nothing is deployed until you say so):",
    ]
    for name, value in wanted.all_variables.items():
        is_shown = name == "PORT" or name in public or value.startswith("${{")
        lines.append(f"     {name}={value if is_shown else '(your value, as in your .env)'}")
    lines += [f"     {name}=(not in your .env yet: no call is answered without it)" for name in wanted.lacking]
    lines.append("3. Service, Settings:")
    lines += [f"     {page}: {label}: {value}" for page, label, value in _settings(wanted.settings)]
    lines += [f"4. Service, Settings, Networking: Generate Domain, target port {wanted.port}."]
    if wanted.databases:
        kinds = " and ".join(kind.capitalize() for kind in wanted.databases)
        lines.append(f"   Before that, in the project: Create, Database: {kinds}, with the names Railway gives them.")
    kind = "Image" if isinstance(wanted.source, Image) else "Source Repo"
    return [*lines, f"5. Service, Settings, Source ({kind}): {source}. Then Deploy."]


def _settings(settings: ServiceSettings) -> list[tuple[str, str, str]]:
    rows = []
    for each in fields(settings):
        value = getattr(settings, each.name)
        if value is not None:
            page, label = _PAGES[each.name]
            rows.append((page, label, "On Failure" if value == "ON_FAILURE" else shown(value)))
    return [*rows, ("Settings, Deploy", "Custom Start Command and Cron Schedule", "leave empty")]
