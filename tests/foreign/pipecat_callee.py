"""A callee that nobody here wrote: Pipecat's own Twilio serializer and transport, echoing. Run by Pipecat's Python.

Not a test and not imported by one: ``PYTHON pipecat_callee.py PORT`` in an environment with
``pipecat-ai[websocket]`` and ``uvicorn``.
"""

from __future__ import annotations

import sys

import uvicorn  # type: ignore[import-not-found]
from fastapi import FastAPI, WebSocket  # type: ignore[import-not-found]
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame  # type: ignore[import-not-found]
from pipecat.pipeline.pipeline import Pipeline  # type: ignore[import-not-found]
from pipecat.pipeline.runner import PipelineRunner  # type: ignore[import-not-found]
from pipecat.pipeline.task import PipelineParams, PipelineTask  # type: ignore[import-not-found]
from pipecat.processors.frame_processor import FrameProcessor  # type: ignore[import-not-found]
from pipecat.runner.utils import parse_telephony_websocket  # type: ignore[import-not-found]
from pipecat.serializers.twilio import TwilioFrameSerializer  # type: ignore[import-not-found]
from pipecat.transports.websocket.fastapi import (  # type: ignore[import-not-found]
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)

RATE = 8000
app = FastAPI()


class Greeter(FrameProcessor):
    """Plays half a second of a square wave first, then everything it hears, a second later."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._greeted = False

    async def process_frame(self, frame, direction) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        self._held.append(frame.audio)
        if not self._greeted:
            self._greeted = True
            await self._play((b"\x00\x20" * 8 + b"\x00\xe0" * 8) * (RATE // 32))
        if len(self._held) > 50:
            await self._play(self._held.pop(0))

    async def _play(self, pcm: bytes) -> None:
        await self.push_frame(OutputAudioRawFrame(audio=pcm, sample_rate=RATE, num_channels=1))


@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    carrier, call = await parse_telephony_websocket(websocket)
    print(f"recognised {carrier}", flush=True)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=serializer
    )
    transport = FastAPIWebsocketTransport(websocket=websocket, params=params)
    task = PipelineTask(
        Pipeline([transport.input(), Greeter(), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )
    await PipelineRunner(handle_sigint=False).run(task)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
