"""`offhook agent`: the offline agent alone, for any client of Deepgram's Voice Agent API. Prints only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:  # at run time they would cost `offhook --help` its half second
    from offhook.offline.handshake import Standing
    from offhook.offline.ports import Mind
    from offhook.offline.record import CallRecord, Frame

_TEXTS = ("content", "message", "prompt", "greeting")
#: What is shown of a message: never a value that somebody said. A description names places.
_ALWAYS = frozenset({"role", "code", "behavior", "description"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("agent")(agent)


def agent(
    host: Annotated[str, typer.Option(help="Interface to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 5100,
    script: Annotated[Path | None, typer.Option(help="Play this script (TOML or JSON) instead of speaking.")] = None,
    scripted: Annotated[bool, typer.Option("--scripted", help="Play the built-in script; needs no models.")] = False,
    llm: Annotated[str | None, typer.Option(help="Free mind: a .gguf file or an OpenAI-compatible URL.")] = None,
    behave: Annotated[
        Path | None, typer.Option(help="Manners and faults from this file (TOML or JSON); a script may hold them too.")
    ] = None,
    variety: Annotated[
        int | None, typer.Option(help="Choose anew on every call, by this seed, whatever the vendor leaves open.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=0, help="Calls at once before 429.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Take only the API keys in this file, one a line, each with what it may do.")
    ] = None,
    hurry: Annotated[
        float | None, typer.Option(min=1, max=1000, help="Let time pass so many times as fast, for every timer.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every message of every call.")] = False,
    transcripts: Annotated[bool, typer.Option("--transcripts", help="With --verbose: what was said, too.")] = False,
) -> None:
    """Run the offline agent: Deepgram's Voice Agent API on this machine, without an account."""
    from offhook.cli.running import run_loop

    if llm is not None and (scripted or script is not None):
        raise typer.BadParameter("a script has no free mind: give --llm or --script/--scripted", param_hint="--llm")
    options = _options(script, behave, variety)
    options |= {"host": host, "port": port, "concurrency": concurrency, "keys": _keys(keys)}
    if verbose:
        options["on_frame"] = _Watch(transcripts)
    mind = _chosen_mind(script, scripted, llm)
    raise typer.Exit(run_loop(_serve(mind, options, may_fall_back=llm is None), hurry))


def _chosen_mind(script: Path | None, scripted: bool, llm: str | None) -> Mind:
    from offhook.offline.scripted import ScriptedMind

    if script is not None:
        return ScriptedMind.from_file(script)
    if scripted:
        return ScriptedMind()
    from offhook.offline.speech.mind import SpeakingMind

    return SpeakingMind(llm, _say)


def _options(script: Path | None, behave: Path | None, variety: int | None) -> dict[str, Any]:
    """Return manners and faults as the files have them; a file of behaviour replaces what the script says."""
    from dataclasses import replace

    from offhook.offline.behaviour import Behaviour, load_behaviour
    from offhook.offline.script import load_behaviour_of

    said = Behaviour() if script is None else load_behaviour_of(script)
    if behave is not None:
        said = load_behaviour(behave)
    manners = said.manners if variety is None else replace(said.manners, variety=variety)
    return {"manners": manners, "faults": said.faults}


def _keys(path: Path | None) -> dict[str, Standing] | None:
    from offhook.errors import ConfigError
    from offhook.offline.behaviour import reason
    from offhook.offline.handshake import read_keys

    if path is None:
        return None
    try:
        return read_keys(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError([f"keys {path.name}: {reason(error)}"]) from None


async def _serve(mind: Mind, options: dict[str, Any], *, may_fall_back: bool) -> int:
    from offhook.errors import ConfigError
    from offhook.offline.scripted import ScriptedMind

    try:
        return await _serve_with(mind, options)
    except ConfigError as missing:
        if not may_fall_back or isinstance(mind, ScriptedMind):
            raise
        for problem in missing.problems:
            _say(problem)
        _say("falling back to the scripted mind: it answers, but understands nothing")
        return await _serve_with(ScriptedMind(), options)


async def _serve_with(mind: Mind, options: dict[str, Any]) -> int:
    import asyncio
    from dataclasses import replace

    from offhook.errors import ConfigError
    from offhook.offline.scripted import ScriptedMind
    from offhook.offline.server import OfflineAgent

    manners = options["manners"]
    if isinstance(mind, ScriptedMind) and not manners.greeting:
        manners = replace(manners, greeting=mind.greeting)
    served = OfflineAgent(mind, **{**options, "manners": manners}, keep_audio=False)
    kind = "scripted" if isinstance(mind, ScriptedMind) else "speaking"
    try:
        async with served:
            _say(f"listening on {served.url} ({kind} mind); Ctrl-C stops it")
            known = options["keys"]
            accepted = "any API key is accepted" if known is None else f"{len(known)} API keys are known"
            _say(f"{accepted}; point a client or DEEPGRAM_AGENT_URL here")
            await _until_terminated(asyncio.Event())
    except OSError as busy:
        raise ConfigError([_cannot_listen(options["host"], options["port"], busy)]) from busy
    _say("stopped by SIGTERM")
    return 0


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    import errno
    import os

    at = f"cannot listen on {host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{at}: something else listens there already; stop that, or choose another --port"
    if isinstance(error, PermissionError):
        return f"{at}: this system does not permit it; choose a --port from 1024 on"
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
    return f"{at}: {why}; leave --host away, or name an address of this machine"


async def _until_terminated(stop: Any) -> None:
    """Wait for SIGTERM; Ctrl-C arrives as a cancellation. Windows has only the latter."""
    import asyncio
    import contextlib
    import signal

    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def _say(text: str) -> None:
    typer.echo(f"offline agent: {text}", err=True)


class _Watch:
    """Prints frames, audio gathered into one line per direction. ``>`` we sent, ``<`` the client sent."""

    def __init__(self, transcripts: bool) -> None:
        self._transcripts = transcripts
        self._audio: dict[tuple[int, bool], int] = {}

    def __call__(self, call: CallRecord, frame: Frame) -> None:
        if frame.kind == "audio":
            key = (call.index, frame.sent)
            self._audio[key] = self._audio.get(key, 0) + frame.audio_bytes
            return
        for sent in (True, False):
            amount = self._audio.pop((call.index, sent), 0)
            if amount:
                self._line(call, frame, sent, f"audio {amount} bytes")
        self._line(call, frame, frame.sent, self._described(frame))

    def _line(self, call: CallRecord, frame: Frame, sent: bool, text: str) -> None:
        typer.echo(f"{frame.at - call.opened_at:9.3f} {call.request_id[:8]} {'>' if sent else '<'} {text}", err=True)

    def _described(self, frame: Frame) -> str:
        message = frame.message if isinstance(frame.message, dict) else {}
        shown = {k: v for k, v in message.items() if isinstance(v, int | float) or k in _ALWAYS}
        if isinstance(message.get("functions"), list):
            shown["functions"] = [f.get("name") for f in message["functions"] if isinstance(f, dict)]
        if self._transcripts:
            shown.update({k: v for k, v in message.items() if k in _TEXTS})
        return _printable(" ".join([frame.kind, *(f"{name}={value}" for name, value in shown.items())]))


def _printable(text: str) -> str:
    """Return one line that does nothing to a terminal, whatever a client says."""
    return "".join(character if character.isprintable() else "?" for character in text)
