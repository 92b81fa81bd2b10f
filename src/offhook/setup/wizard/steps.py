"""The steps of the wizard in their order, and what a dry run says of them. Asks and changes nothing itself."""

from __future__ import annotations

from typing import Final

from offhook.setup.wizard import calls, keys, number, place
from offhook.setup.wizard.journey import Step

STEPS: Final = (
    Step("Project", "Settings, prompt and Dockerfile, in this folder. Yours to change.", keys.project),
    Step(
        "Deepgram",
        "Deepgram hears, thinks and speaks. A real handshake with your key and settings shows that it will.",
        keys.deepgram_key,
    ),
    Step(
        "Twilio",
        "Twilio brings the call. Its auth token also proves to your server that a call is Twilio's.",
        keys.twilio_account,
    ),
    Step("Number", "The number your agent answers.", number.choose),
    Step("Place", "offhook is the server that Twilio calls. It needs a place to run.", place.choose),
    Step("Server", "The server at its place, reachable for Twilio, and healthy.", place.deploy),
    Step("Wiring", "Twilio keeps for each number the addresses to ask when somebody calls.", number.wire),
    Step(
        "Simulated call",
        "A signed call through the public address, as Twilio would make it; no telephone yet.",
        calls.simulated,
    ),
    Step("Your call", "The proof: a real call, watched until its greeting was heard.", calls.real),
)
