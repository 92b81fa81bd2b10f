"""Names the hosting platform we run on, by what it puts into the environment. Imports nothing: a signal may ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: They must listen on all interfaces, or the platform's router finds nobody.
_PLATFORMS: Final[Mapping[str, str]] = {
    "RAILWAY_ENVIRONMENT_ID": "Railway",
    "RAILWAY_PROJECT_ID": "Railway",
    "KUBERNETES_SERVICE_HOST": "Kubernetes",
    "FLY_APP_NAME": "Fly.io",
    "RENDER": "Render",
    "DYNO": "Heroku",
    "K_SERVICE": "Cloud Run",
}


def platform_of(environ: Mapping[str, str]) -> str | None:
    """Return the name of the hosting platform we run on, where there is one."""
    return next((name for variable, name in _PLATFORMS.items() if environ.get(variable)), None)
