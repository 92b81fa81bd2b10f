"""Voice Agent messages as Deepgram documents them, and A18: everything that is not one of them."""

from __future__ import annotations

import json
import re

import pytest

from offhook.wire import deepgram
from offhook.wire.deepgram import Malformed, decode

#: Every Error code of "Errors & Warnings".
ERROR_CODES = (
    "INTERNAL_SERVER_ERROR",
    "CLIENT_MESSAGE_TIMEOUT",
    "UNPARSABLE_CLIENT_MESSAGE",
    "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS",
    "SETTINGS_ALREADY_APPLIED",
    "INVALID_SETTINGS",
    "FAILED_TO_START_LISTENING",
    "ASR_CONNECTION_CLOSED",
    "ASR_DRIVER_TIMEOUT",
    "USER_AUDIO_FORMAT",
    "FAILED_TO_THINK",
    "FAILED_TO_SPEAK",
    "SERVER_GOING_AWAY",
    "NON_EXISTENT_FUNCTION_CALLED",
    "AGENT_ID_NOT_SUPPORTED",
    "INVALID_AGENT_ID",
    "MAXIMUM_SESSION_LENGTH_REACHED",
)

DOCUMENTED = [
    (b'{"type":"Welcome","request_id":"fc553ec9-5874-49ca-a47c-b670d525a4b1"}', deepgram.Welcome),
    (b'{"type":"SettingsApplied"}', deepgram.SettingsApplied),
    (b'{"type":"ConversationText","role":"user","content":"Hello"}', deepgram.ConversationText),
    (b'{"type":"ConversationText","role":"assistant","content":""}', deepgram.ConversationText),
    (b'{"type":"History","role":"user","content":"Hello"}', deepgram.History),
    (
        (
            b'{"type":"History","function_calls":[{"id":"f1","name":"now","client_side":true,"arguments":"{}",'
            b'"response":"noon"}]}'
        ),
        deepgram.History,
    ),
    (b'{"type":"UserStartedSpeaking"}', deepgram.UserStartedSpeaking),
    (b'{"type":"AgentThinking","content":"They want the hours."}', deepgram.AgentThinking),
    (
        (
            b'{"type":"FunctionCallRequest","functions":[{"id":"f1","name":"now","arguments":"{\\"a\\":1}",'
            b'"client_side":true,"thought_signature":"s"}]}'
        ),
        deepgram.FunctionCallRequest,
    ),
    (b'{"type":"FunctionCallCancelled","functions":[{"id":"f1","name":"now"}]}', deepgram.FunctionCallCancelled),
    (b'{"type":"FunctionCallResponse","id":"f1","name":"now","content":"noon"}', deepgram.FunctionCallResponse),
    (
        b'{"type":"AgentStartedSpeaking","total_latency":1.2,"tts_latency":0.4,"ttt_latency":0.8}',
        deepgram.AgentStartedSpeaking,
    ),
    (b'{"type":"LatencyReport","stt_latency":0.2,"total_latency":1.2}', deepgram.LatencyReport),
    (b'{"type":"LatencyReport","stt_latency":"0.2","total_latency":null}', deepgram.LatencyReport),
    (b'{"type":"AgentAudioDone"}', deepgram.AgentAudioDone),
    (b'{"type":"PromptUpdated"}', deepgram.PromptUpdated),
    (b'{"type":"ThinkUpdated"}', deepgram.ThinkUpdated),
    (b'{"type":"SpeakUpdated"}', deepgram.SpeakUpdated),
    (b'{"type":"ListenUpdated"}', deepgram.ListenUpdated),
    (b'{"type":"InjectionRefused","message":"busy"}', deepgram.InjectionRefused),
    (b'{"type":"Warning","code":"SLOW","description":"d"}', deepgram.Warning),
    (b'{"type":"Error","code":"INVALID_SETTINGS","description":"d"}', deepgram.Error),
]


@pytest.mark.parametrize(("frame", "kind"), DOCUMENTED)
def test_documented_messages(frame, kind):
    assert isinstance(decode(frame), kind)
    assert isinstance(decode(memoryview(bytearray(frame))), kind)


def test_every_kind_we_know_is_in_the_list():
    assert {kind for _, kind in DOCUMENTED} == set(deepgram.ServerMessage.__subclasses__())


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code(code):
    error = decode(json.dumps({"type": "Error", "description": "why", "code": code}).encode())
    assert error == deepgram.Error(code, "why")


def test_every_server_message_of_the_vendors_document_is_known(vendor_contracts):
    """The AsyncAPI document is the vendor's; whatever it lets a server send must decode to a type of ours."""
    document = vendor_contracts / "deepgram-asyncapi-2026-07.yml"
    named = re.findall(r"v1\.agent\.v1-server-\d+-AgentV1(\w+)'", document.read_text(encoding="utf-8"))
    text_messages = {name.removeprefix("Receive") for name in named} - {"Audio"}
    known = {kind.__name__ for kind in deepgram.ServerMessage.__subclasses__()}
    assert len(text_messages) >= 18
    assert text_messages <= known


class TestA18:
    def test_unknown_types(self):
        assert isinstance(decode(b'{"type":"EndOfThought","x":[1,null]}'), deepgram.UnknownType)
        assert isinstance(decode(b'{"type":"welcome"}'), deepgram.UnknownType)
        assert isinstance(decode(b'{"type":""}'), deepgram.UnknownType)

    def test_unknown_fields(self):
        assert decode(b'{"type":"SettingsApplied","offhook_unknown":{"a":[1,2.5,null]}}') == deepgram.SettingsApplied()

    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b"null",
            b"[]",
            b"7",
            b"Hello",
            b"{}",
            b'{"type":null}',
            b'{"type":7}',
            b'{"type":["Welcome"]}',
            b'{"type":"Welcome"',
            b'{"type":"Welcome"}{"type":"Welcome"}',
            b'{"type":"Welcome","request_id":7}',
            b'{"type":"Welcome","request_id":null}',
            b'{"type":"ConversationText","role":"user"}',
            b'{"type":"ConversationText","content":"x"}',
            b'{"type":"ConversationText","role":["user"],"content":"x"}',
            b'{"type":"ConversationText","role":"user","content":null}',
            b'{"type":"FunctionCallRequest","functions":{}}',
            b'{"type":"FunctionCallRequest","functions":[{"name":"x"}]}',
            b'{"type":"FunctionCallRequest","functions":[{"id":"1","name":"x","arguments":{}}]}',
            b'{"type":"Error","code":7}',
            b'{"type":"Warning","code":NaN}',
            b'{"type":"LatencyReport","total_latency":[]}',
            b"\xff\xff",
            b'{"type":"ConversationText","role":"user","content":"\xc3\x28"}',
            b'{"type":"X","y":' + b"[" * 5000,
            b"{" * 5000,
        ],
    )
    def test_broken_ones(self, frame):
        with pytest.raises(Malformed):
            decode(frame)

    def test_64_levels_are_nothing_special(self):
        deep = b'{"type":"Welcome","x":' + b"[" * 64 + b"]" * 64 + b"}"
        assert isinstance(decode(deep), deepgram.Welcome)

    def test_a_text_of_5_mb(self):
        content = "word " * 1_000_000
        said = decode(json.dumps({"type": "ConversationText", "role": "assistant", "content": content}).encode())
        assert said.content == content

    def test_an_error_quotes_nothing(self):
        with pytest.raises(Malformed) as caught:
            decode(b'{"type":"ConversationText","role":"user","content":{"secret":"canary"}}')
        assert "canary" not in f"{caught.value}{caught.value!r}"
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("figure", "is_read_as"), [(1.5, 1.5), (2, 2.0), ("0.25", 0.25), (None, None), ("soon", None), ("", None)]
)
def test_latency_figures(figure, is_read_as):
    assert deepgram.seconds(figure) == is_read_as


class TestClientMessages:
    def test_keep_alive(self):
        assert json.loads(deepgram.KEEP_ALIVE) == {"type": "KeepAlive"}

    def test_function_call_response_never_has_null(self):
        call = deepgram.FunctionCall("f1", "now")
        said = json.loads(deepgram.function_call_response(call, '{"a":1}'))
        assert said == {"type": "FunctionCallResponse", "id": "f1", "name": "now", "content": '{"a":1}'}
        signed = deepgram.FunctionCall("f1", "now", thought_signature="s")
        assert json.loads(deepgram.function_call_response(signed, "x"))["thought_signature"] == "s"
