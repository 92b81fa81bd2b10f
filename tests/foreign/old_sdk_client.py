"""A conversation by deepgram-sdk 5, run in an environment of its own. Prints what came; knows nothing of offhook.

    python old_sdk_client.py ws://127.0.0.1:PORT SPEECH_FILE

Its message classes are stricter than today's: every message of a type it knows is validated, and what is left over is
printed. Messages newer than it come out of its reader as something else, which is why only the raw ones are judged.
"""

# ruff: noqa: E402  # the SDK warns while it is imported

import json
import sys
import threading
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import deepgram.extensions.types.sockets as types
from deepgram import DeepgramClient
from deepgram.environment import DeepgramClientEnvironment

HERE, SPEECH = sys.argv[1], Path(sys.argv[2]).read_bytes()
KNOWN = {
    "Welcome": types.AgentV1WelcomeMessage,
    "SettingsApplied": types.AgentV1SettingsAppliedEvent,
    "ConversationText": types.AgentV1ConversationTextEvent,
    "UserStartedSpeaking": types.AgentV1UserStartedSpeakingEvent,
    "AgentThinking": types.AgentV1AgentThinkingEvent,
    "AgentStartedSpeaking": types.AgentV1AgentStartedSpeakingEvent,
    "AgentAudioDone": types.AgentV1AgentAudioDoneEvent,
    "FunctionCallRequest": types.AgentV1FunctionCallRequestEvent,
    "InjectionRefused": types.AgentV1InjectionRefusedEvent,
    "PromptUpdated": types.AgentV1PromptUpdatedEvent,
    "SpeakUpdated": types.AgentV1SpeakUpdatedEvent,
    "Warning": types.AgentV1WarningEvent,
    "Error": types.AgentV1ErrorEvent,
}
SETTINGS = {
    "audio": {
        "input": {"encoding": "mulaw", "sample_rate": 8000},
        "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
    },
    "agent": {
        "greeting": "Hello.",
        "listen": {"provider": {"type": "deepgram", "model": "nova-3"}},
        "think": {
            "provider": {"type": "open_ai", "model": "gpt-4o-mini"},
            "prompt": "Be brief.",
            "functions": [{"name": "find_slots", "description": "List free times", "parameters": {"type": "object"}}],
        },
        "speak": {"provider": {"type": "deepgram", "model": "aura-2-thalia-en"}},
    },
}
told = {"seen": [], "leftovers": {}, "audio": 0}


def main():
    here = DeepgramClientEnvironment(base=HERE.replace("ws", "http", 1), production=HERE, agent=HERE)
    client = DeepgramClient(api_key="a-key", environment=here)
    with client.agent.v1.connect() as socket:

        def until(kind):
            while True:
                raw = socket._websocket.recv(timeout=20)
                if isinstance(raw, bytes):
                    told["audio"] += len(raw)
                    continue
                socket._handle_json_message(raw)  # its own reader must not choke on anything
                message = json.loads(raw)
                told["seen"].append(message["type"])
                if message["type"] in KNOWN:
                    typed = KNOWN[message["type"]].model_validate(message)
                    extra = sorted(typed.model_extra or {})
                    if extra:
                        told["leftovers"][message["type"]] = extra
                if message["type"] == kind:
                    return message

        until("Welcome")
        socket.send_settings(types.AgentV1SettingsMessage.model_validate(SETTINGS))
        until("SettingsApplied")
        until("AgentAudioDone")
        for start in range(0, len(SPEECH), 160):
            socket.send_media(SPEECH[start : start + 160])
        asked = until("FunctionCallRequest")["functions"][0]
        answer = {"id": asked["id"], "name": asked["name"], "content": "ten"}
        socket.send_function_call_response(types.AgentV1FunctionCallResponseMessage(**answer))
        until("AgentStartedSpeaking")
        socket.send_inject_agent_message(types.AgentV1InjectAgentMessageMessage(message="No."))
        until("InjectionRefused")
        until("AgentAudioDone")
        socket.send_control(types.AgentV1ControlMessage(type="KeepAlive"))
        socket.send_update_prompt(types.AgentV1UpdatePromptMessage(prompt="They are known."))
        until("PromptUpdated")
        socket.send_inject_user_message(types.AgentV1InjectUserMessageMessage(content="what else"))
        until("LatencyReport")
        socket.send_settings(types.AgentV1SettingsMessage.model_validate(SETTINGS))
        until("Error")


watchdog = threading.Timer(60, sys.exit)
watchdog.daemon = True
watchdog.start()
main()
print(json.dumps(told))
