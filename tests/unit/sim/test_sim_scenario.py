"""The steps of a file become what a caller does; texts get their audio from whoever speaks, recordings from beside."""

import pytest

from offhook.scenario.reading import load
from offhook.sim.caller import (
    Beep,
    HangUp,
    Interrupt,
    LoseLine,
    Pause,
    Press,
    ReadSlowly,
    Say,
    SendFrame,
    WaitForAgent,
    WaitForHangUp,
)
from offhook.sim.scenario import StepError, prepare

EVERYTHING = """
[[steps]]
do = "wait_for_agent"
quiet_ms = 500
[[steps]]
do = "say"
text = "Hello"
[[steps]]
do = "interrupt"
after_ms = 700
audio = "no.ulaw"
[[steps]]
do = "press"
digits = "12#"
[[steps]]
do = "pause"
seconds = 1.5
[[steps]]
do = "wait_for_hang_up"
timeout_s = 3
[[steps]]
do = "beep"
ms = 100
[[steps]]
do = "lose_line"
[[steps]]
do = "send_frame"
text = "{"
times = 3
[[steps]]
do = "read_slowly"
bytes_per_s = 1000
[[steps]]
do = "hang_up"
"""


async def speak(text: str) -> bytes:
    return text.encode()


def steps(folder, text: str):
    (folder / "s.toml").write_text(text)
    return load(folder / "s.toml").scenario.who.steps


async def test_every_step(tmp_path):
    (tmp_path / "no.ulaw").write_bytes(b"\x01\x02")

    assert await prepare(steps(tmp_path, EVERYTHING), speak, tmp_path) == [
        WaitForAgent(quiet_ms=500),
        Say(b"Hello", "Hello"),
        Interrupt(700, b"\x01\x02"),
        Press("12#"),
        Pause(1.5),
        WaitForHangUp(3),
        Beep(ms=100),
        LoseLine(),
        SendFrame("{", times=3),
        ReadSlowly(1000),
        HangUp(),
    ]


async def test_a_missing_recording_is_named(tmp_path):
    wanted = steps(tmp_path, "[[steps]]\ndo = 'say'\naudio = 'gone.wav'")
    with pytest.raises(StepError, match=r"gone\.wav"):
        await prepare(wanted, speak, tmp_path)
