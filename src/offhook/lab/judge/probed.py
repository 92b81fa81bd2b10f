"""What a bridge answered to requests that it must refuse. Values; the asking is `offhook.lab.probes`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probed:
    """Answers to probes; None where the probe was not made. Each is true when the bridge let the stranger in.

    ``https_stream``: a handshake signed over the https address was let in *and* the right one was refused.
    """

    unsigned_webhook: bool | None = None
    unsigned_stream: bool | None = None
    wrong_stream: bool | None = None
    reused_token: bool | None = None
    https_stream: bool | None = None
