"""The trace file: what goes in comes out, and a file that is none says so."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.trace import Entry, TraceError, TraceWriter, read_trace, sound_of

ENTRIES = st.builds(
    Entry,
    at_ms=st.floats(0, 1e9),
    channel=st.sampled_from(("http", "stream", "agent")),
    sender=st.sampled_from(("twilio", "bridge", "deepgram", "caller")),
    kind=st.sampled_from(("open", "refused", "text", "binary", "close", "request", "response", "heard")),
    call=st.text(max_size=8),
    text=st.none() | st.text(),
    audio=st.none() | st.binary(),
    status=st.none() | st.integers(100, 599),
    code=st.none() | st.integers(1000, 4999),
    path=st.text(max_size=8),
)


@given(st.lists(ENTRIES, max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    path = tmp_path_factory.mktemp("trace") / "call.jsonl"
    with TraceWriter(path, "test") as write:
        for entry in entries:
            write(entry)
    found = list(read_trace(path))
    first = entries[0].at_ms if entries else 0.0
    assert [entry.at_ms for entry in found] == [round(entry.at_ms - first, 3) for entry in entries]
    without_time = [{**_fields(entry), "at_ms": 0} for entry in found]
    assert without_time == [{**_fields(entry), "at_ms": 0} for entry in entries]


def _fields(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__struct_fields__}


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    TraceWriter(path, "test").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "record one with"),
        (b"<!DOCTYPE html>\n", "record one with"),
        (b'{"offhook_trace":2}\n', "version 2"),
        (b'{"offhook_trace":1}\n{"at_ms":0', "line 2 is cut off"),
        (b'{"offhook_trace":1}\n{"at_ms":0,"channel":"x","sender":"bridge","kind":"text"}\n', "line 2: Invalid"),
    ],
)
def test_another_file_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=says):
        list(read_trace(path))


def test_sound_is_found_in_media_only() -> None:
    assert sound_of({"event": "media", "media": {"payload": "//8="}}) == b"\xff\xff"
    assert sound_of({"event": "media", "media": {"payload": "no base64"}}) is None
    assert sound_of({"event": "mark", "mark": {"name": "a"}}) is None
