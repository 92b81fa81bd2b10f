// A conversation by @deepgram/sdk, in a folder of its own. Prints what came; knows nothing of offhook.
//   node sdk_client.mjs ws://127.0.0.1:PORT SPEECH_FILE
import { readFileSync } from "node:fs";
import { DeepgramClient } from "@deepgram/sdk";

const [here, speechFile] = process.argv.slice(2);
const http = here.replace("ws", "http");
const speech = readFileSync(speechFile);
const environment = { base: http, production: here, agent: here, agentRest: http };
const client = new DeepgramClient({ apiKey: "a-key", environment });

const seen = [];
let audio = 0;
let waiting = [];

function took(message) {
  if (message === undefined || message === null) return;
  if (message instanceof Blob) audio += message.size;
  else if (message.byteLength !== undefined) audio += message.byteLength;
  else if (typeof message === "object" && message.type) {
    seen.push(message);
    waiting = waiting.filter((wait) => !wait());
  }
}

function until(type, nth = 1) {
  return new Promise((resolve, reject) => {
    const clock = setTimeout(() => reject(new Error(`no ${type} after ${JSON.stringify(seen.map((m) => m.type))}`)), 20000);
    const look = () => {
      const found = seen.filter((m) => m.type === type)[nth - 1];
      if (found) {
        clearTimeout(clock);
        resolve(found);
      }
      return Boolean(found);
    };
    if (!look()) waiting.push(look);
  });
}

const socket = await client.agent.v1.connect({ reconnectAttempts: 0 });
socket.on("message", took);
const closed = new Promise((resolve) => socket.on("close", (event) => resolve(event.code)));
socket.connect();
await socket.waitForOpen();
await until("Welcome");
socket.sendSettings({
  type: "Settings",
  audio: {
    input: { encoding: "mulaw", sample_rate: 8000 },
    output: { encoding: "mulaw", sample_rate: 8000, container: "none" },
  },
  agent: {
    greeting: "Hello.",
    listen: { provider: { type: "deepgram", version: "v2", model: "flux-general-en" } },
    think: {
      provider: { type: "open_ai", model: "gpt-4o-mini" },
      prompt: "Be brief.",
      functions: [{ name: "find_slots", description: "List free times", parameters: { type: "object" } }],
    },
    speak: { provider: { type: "deepgram", version: "v1", model: "aura-2-thalia-en" } },
  },
});
await until("SettingsApplied");
await until("AgentAudioDone");
for (let start = 0; start < speech.length; start += 160) socket.sendMedia(speech.subarray(start, start + 160));
const asked = (await until("FunctionCallRequest")).functions[0];
socket.sendFunctionCallResponse({ type: "FunctionCallResponse", id: asked.id, name: asked.name, content: "ten" });
await until("AgentStartedSpeaking", 2);
socket.sendInjectAgentMessage({ type: "InjectAgentMessage", message: "No." });
await until("InjectionRefused");
await until("AgentAudioDone", 2);
socket.sendKeepAlive({ type: "KeepAlive" });
socket.sendUpdatePrompt({ type: "UpdatePrompt", prompt: "They are known." });
await until("PromptUpdated");
socket.sendForceEndTurn({ type: "ForceEndTurn" });
socket.sendUpdateListen({
  type: "UpdateListen",
  listen: { provider: { type: "deepgram", version: "v2", model: "flux-general-multi", language_hints: ["en"] } },
});
await until("ListenUpdated");
socket.sendInjectUserMessage({ type: "InjectUserMessage", content: "what else" });
await until("LatencyReport", 2);
const models = await client.agent.v1.settings.think.models.list();
const granted = await client.auth.v1.tokens.grant({ ttl_seconds: 60 });
socket.sendSettings({ type: "Settings", audio: {}, agent: {} });
await until("Error");
const code = await closed;
console.log(JSON.stringify({ seen, audio, code, models: models.models.length, expires: granted.expires_in }));
process.exit(0);
