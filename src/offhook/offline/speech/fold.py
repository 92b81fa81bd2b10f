"""Rewrites a Moonshine `.ort` file once, so that onnxruntime folds its int8 weights at load. No inference here.

As shipped, the decoder turns its int8 weights into floats again for every token. Saved back as ONNX by onnxruntime
itself the graphs have no names, which the loader refuses; and the file claims operator sets that only that writer
knows. Both are mended on the protobuf bytes (onnx.proto3, field numbers below): no `onnx` package is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: What lies where in onnx.proto3: message kind → {field number: kind of the message in that field}.
_INSIDE: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 8: "operators"},
    "graph": {1: "node"},
    "node": {5: "attribute"},
    "attribute": {6: "graph"},
}
_GRAPH_NAME: Final = 2
_OPERATORS_DOMAIN: Final = 1
_KNOWN_DOMAINS: Final = (b"", b"com.microsoft")
_BYTES: Final = 2  # wire type of everything with a length


def _number(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _as_number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _as_field(number: int, content: bytes | memoryview) -> bytes:
    return b"".join((_as_number(number << 3 | _BYTES), _as_number(len(content)), content))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Yield (number, the whole field, its content) of every field; content is empty for plain numbers."""
    at = 0
    while at < len(message):
        start = at
        key, at = _number(message, at)
        content = message[:0]
        match key & 7:
            case 0:
                _, at = _number(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _number(message, at)
                content = message[at : at + length]
                at += length
            case 5:
                at += 4
            case other:
                raise ValueError(f"wire type {other}")
        yield key >> 3, message[start:at], content


def _mended(message: memoryview, kind: str) -> bytes | None:
    """Return ``message`` with all graphs named; ``None`` for an operator set that must go."""
    inside = _INSIDE.get(kind, {})
    parts: list[bytes | memoryview] = []
    named = False
    for number, whole, content in _fields(message):
        named = named or (kind == "graph" and number == _GRAPH_NAME and len(content) > 0)
        if kind == "operators" and number == _OPERATORS_DOMAIN and bytes(content) not in _KNOWN_DOMAINS:
            return None
        if number not in inside:
            parts.append(whole)
        elif (kept := _mended(content, inside[number])) is not None:
            parts.append(_as_field(number, kept))
    if kind == "graph" and not named:
        parts.append(_as_field(_GRAPH_NAME, b"graph"))
    return b"".join(parts)


def fold(source: Path, target: Path) -> None:
    """Write ``source`` (.ort) as ``target`` (.onnx), about 0.5 s; ``target`` is not complete before this returns."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    options.add_session_config_entry("session.save_model_format", "ONNX")
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    mended = _mended(memoryview(target.read_bytes()), "model")
    assert mended is not None
    target.write_bytes(mended)
