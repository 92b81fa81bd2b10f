"""Each platform's stop has its own words; the same signal elsewhere has others."""

from __future__ import annotations

import pytest

from offhook import stop_reasons

PLATFORMS = {
    "Railway": {"RAILWAY_PROJECT_ID": "p"},
    "Fly.io": {"FLY_APP_NAME": "voice"},
    "Render": {"RENDER": "true"},
    "Cloud Run": {"K_SERVICE": "voice"},
    "Heroku": {"DYNO": "web.1"},
    "Kubernetes": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    "systemd": {"INVOCATION_ID": "abc"},
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_sends_sigterm_there(platform):
    told = stop_reasons.why("SIGTERM", PLATFORMS[platform])
    assert told.startswith(f"SIGTERM on {platform}: ")
    assert "killed" in told  # and what comes next
    assert "\n" not in told


def test_every_stopping_signal_has_words_everywhere():
    for name in stop_reasons.STOPPING:
        for environ in ({}, *PLATFORMS.values()):
            assert stop_reasons.why(name, environ).startswith(name)


def test_sigint_drains_on_fly_only():
    assert stop_reasons.drains("SIGINT", PLATFORMS["Fly.io"])
    assert not stop_reasons.drains("SIGINT", PLATFORMS["Railway"])
    assert stop_reasons.drains("SIGTERM", {})
    assert not stop_reasons.drains("SIGHUP", {})
