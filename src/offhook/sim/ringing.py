"""The beginning of a call that Twilio places: it rings, somebody picks up or not, and who it was is detected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from offhook.sim.amd import Detector
from offhook.sim.call_parts import CallParts
from offhook.sim.caller import LineOver
from offhook.sim.events import AnsweredBy
from offhook.sim.outbound import BUFFER_S, Detection, Outbound
from offhook.sim.state import CallStatus

#: Between one key of SendDigits and the next; ``w`` waits half a second, ``W`` one.
_KEY_S: Final = 0.25
_UNANSWERED: Final[dict[str, CallStatus]] = {"busy": "busy", "failed": "failed"}


class Ringing:
    """Places one call."""

    def __init__(self, outbound: Outbound, parts: CallParts) -> None:
        self._outbound = outbound
        self._parts = parts

    async def until_answered(self) -> None:
        """Ring until it is answered. Raises `LineOver` where it never is, or the call was cancelled meanwhile."""
        circuit, pickup = self._parts.circuit, self._outbound.pickup
        circuit.becomes("initiated")
        circuit.becomes("ringing")
        most_s = self._outbound.rings_s_most + BUFFER_S
        gives_up = pickup.result == "never" or pickup.rings_s > most_s
        speed = self._parts.desk.plan.speed
        await circuit.wait_until(lambda: False, (most_s if gives_up else pickup.rings_s) / speed)
        if gives_up or pickup.result != "answered":
            status = _UNANSWERED.get(pickup.result, "no-answer") if not gives_up else "no-answer"
            circuit.end("nobody", f"the call was not answered: {status}", status)
            raise LineOver
        circuit.becomes("in-progress")
        for key in self._outbound.send_digits:
            await circuit.wait_until(lambda: False, {"w": 0.5, "W": 1.0}.get(key, _KEY_S) / speed)

    @asynccontextmanager
    async def detecting(self) -> AsyncIterator[None]:
        """Detect who answered: before the body where the call is to wait for it, else beside it."""
        detection = self._outbound.detection
        if detection is None or self._outbound.send_digits:  # SendDigits switches detection off
            yield
            return
        detector = Detector(detection)
        self._parts.handset.attach(detector.feed)
        try:
            if detection.blocks:
                circuit = self._parts.circuit
                await circuit.wait_until(lambda: detector.verdict or circuit.is_leaving, _most_s(detection))
                self._conclude(detection, detector)
                yield
                return
            beside = asyncio.create_task(self._beside(detection, detector))
            try:
                yield
            finally:
                beside.cancel()
                await asyncio.wait({beside})
        finally:
            self._parts.handset.detach(detector.feed)

    async def _beside(self, detection: Detection, detector: Detector) -> None:
        try:
            await self._parts.circuit.wait_until(lambda: detector.verdict, _most_s(detection))
        except LineOver:
            return
        self._conclude(detection, detector)

    def _conclude(self, detection: Detection, detector: Detector) -> None:
        verdict, circuit = detector.verdict or "unknown", self._parts.circuit
        circuit.state = replace(circuit.state, answered_by=verdict)
        self._parts.form["AnsweredBy"] = verdict
        circuit.witness.tell(AnsweredBy(circuit.now_ms(), verdict, detector.took_ms))
        if not detection.blocks:
            self._parts.callbacks.detected(detection, verdict, detector.took_ms)


def _most_s(detection: Detection) -> float:
    return detection.timeout_ms / 1000 + BUFFER_S
