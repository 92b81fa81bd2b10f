"""`offhook demo` as a user runs it: the exit code, what is printed, and what `call.wav` sounds like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from array import array
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
UTTERANCES = 6
#: Below this a sample is silence (of 32,768).
AUDIBLE = 300


def run_demo(folder: Path, *options: str) -> str:
    """Run it; fail with all it said when it is not content with itself."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("OFFHOOK_", "TWILIO_", "DEEPGRAM_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "offhook", "demo", "--out", str(folder / "out"), *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def channels(path: Path) -> tuple[array[int], array[int]]:
    """Return caller and agent as samples."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        samples = array("h", file.readframes(file.getnframes()))
    return samples[0::2], samples[1::2]


def check(folder: Path, said: str) -> None:
    """Judge the call by its files, not by what the demo says of itself."""
    facts = json.loads((folder / "out" / "call.json").read_text(encoding="utf-8"))
    assert facts["complaints"] == []
    assert facts["server"]["cause"] == "completed/caller_hung_up"
    caller = [turn for turn in facts["server"]["turns"] if turn["who"] == "caller"]
    assert len(caller) == UTTERANCES
    (cut,) = [turn for turn in facts["server"]["turns"] if turn["interrupted"]]
    assert cut["heard"]
    assert cut["said"].startswith(cut["heard"])
    assert len(cut["heard"]) < len(cut["said"])
    (barge_in,) = facts["barge_ins"]
    spoken, heard = channels(folder / "out" / "call.wav")
    assert max(spoken) > 3000
    silent_from = int((barge_in["at_ms"] + barge_in["silent_after_ms"]) * 8)
    next_answer = min(t["start_ms"] for t in facts["turns"] if t["who"] == "agent" and t["start_ms"] * 8 > silent_from)
    quiet = heard[silent_from + 160 : int(next_answer * 8) - 160]
    assert len(quiet) > 4000
    assert max(map(abs, quiet)) < AUDIBLE, "something of the cleared turn was heard after the cut"
    assert said.count("understood:") == UTTERANCES


def test_recorded_voices(tmp_path):
    """`--fast`: no models."""
    check(tmp_path, run_demo(tmp_path, "--fast"))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes there break otherwise")
def test_a_reader_who_leaves_in_the_middle_of_the_call_gets_no_traceback(tmp_path):
    """`offhook demo --fast | head`."""
    command = [sys.executable, "-m", "offhook", "demo", "--fast", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        while "media stream open" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.stdout.close()
        said = demo.stderr.read()
        assert demo.wait(120) == 1
    assert "Traceback" not in said


@pytest.mark.speech
def test_real_ears_and_a_real_voice(tmp_path):
    """The README's command."""
    pytest.importorskip("hibari")
    pytest.importorskip("onnxruntime")
    check(tmp_path, run_demo(tmp_path))
