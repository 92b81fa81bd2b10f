"""The steps of the wizard in their order, and what one does after the last. Asks and changes nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from offhook.setup.wizard import calls, keys, number, place
from offhook.setup.wizard.journey import Setup, Step

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

_NEXT: Final = {
    "railway": "change prompt.md or offhook.toml and push: Railway deploys it, and calls that are live end in peace",
    "laptop": "`offhook dev` answers the number from here again, as long as it runs",
    "url": "change prompt.md or offhook.toml there, and start the server again",
}


def farewell(setup: Setup) -> None:
    """Say what one does from now on."""
    setup.tell.line("", "")
    setup.tell.line("ok", "all steps are done")
    if setup.folder.resolve() != Path.cwd():
        setup.tell.line("", f'the project is in {setup.folder}: change to it first, as by: cd "{setup.folder}"')
    setup.tell.line("", _NEXT[setup.state.place or "url"])
    setup.tell.line("", "`offhook doctor` looks at every link whenever something seems wrong")
    if setup.ask.is_person:
        setup.tell.line("", "`offhook setup --anew` asks again for number and place")
