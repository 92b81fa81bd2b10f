"""`offhook twiml`: the text of a TwiML Bin for this server. Prints; attaches nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(twiml)


def twiml(
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="The server's address, https://… or its stream's, wss://…; default: settings'."
        ),
    ] = None,
    fallback: Annotated[
        bool, typer.Option("--fallback", help="Print the Bin for the number's fallback instead: it needs no server.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file; default: offhook.toml here.")
    ] = None,
) -> None:
    """Print the exact text of a TwiML Bin that connects a number to this server.

    A Bin is static: it cannot carry the one-time token that the webhook gives, so the server relies on Twilio's
    signature of the stream. Prefer the webhook (POST /twilio/voice) where you can.

    Example: offhook twiml --url https://voice.example.com
    """
    from offhook.config import load
    from offhook.errors import ConfigError

    settings = load(file).settings
    failure = settings.call.when_agent_fails
    if fallback:
        typer.echo(fallback_document(failure.say, failure.dial))
        _say_where("choose it under the number's settings, Voice, Primary handler fails")
        return
    address = url if url is not None else settings.server.stream_url
    if address is None:
        raise ConfigError(["server.public_url: is not set; set OFFHOOK_PUBLIC_URL or give --url https://HOST"])
    stream = stream_address(address, settings.server.stream_path)
    typer.echo(bin_document(stream, failure.say, failure.dial))
    _say_where("choose it under the number's settings, Voice, A call comes in")
    typer.echo("A Bin cannot mint secrets: there is no one-time token, Twilio's signature is the only proof.", err=True)
    if not settings.twilio.static_streams:
        typer.echo("The server takes such streams once twilio.static_streams = true is set.", err=True)


def _say_where(then: str) -> None:
    typer.echo(f"Twilio console: Develop, TwiML Bins, create one with exactly the text above; then {then}.", err=True)


def stream_address(url: str, stream_path: str = "/twilio") -> str:
    """Return the stream's address for ``url``, which may be the server's; ConfigError says why Twilio would refuse."""
    from offhook.config.server import ServerPart
    from offhook.config.values import split_url
    from offhook.errors import ConfigError

    try:
        if url.startswith("https://"):
            ServerPart(public_url=url)
            return f"wss{url.removeprefix('https').rstrip('/')}{stream_path}"
        parts = split_url(url, ("wss", "https"), "https://voice.example.com")
        if parts.query or parts.fragment:
            raise ValueError("must not have a query string: Twilio refuses it (error 31920); use the path")
        if parts.path in ("", "/"):
            raise ValueError(f"has no path; a stream's address ends with {stream_path}")
    except ValueError as error:
        raise ConfigError([f"--url: {_why(error)}"]) from None
    return url


def _why(error: ValueError) -> str:
    """Return the words of an error of ours, also where pydantic has wrapped them."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
    return str(error)


def bin_document(stream_url: str, say: str, dial: str | None) -> str:
    """Return the document. ``{{From}}`` and ``{{To}}`` are filled by Twilio (docs, "TwiML Bins").

    After the stream Twilio asks the server what next, so that a call that ended well ends without an apology; a server
    that is gone by then leaves it to the number's fallback.
    """
    from offhook.wire.twiml import Fallback, StreamDocument, answer

    root = "https" + stream_url.removeprefix("wss")
    return answer(
        StreamDocument(
            stream_url=stream_url,
            action_url=f"{root}/after",
            status_url=f"{root}/stream-status",
            parameters={"caller": "{{From}}", "called": "{{To}}"},
            fallback=Fallback(say=say, dial=dial or ""),
        )
    )


def fallback_document(say: str, dial: str | None) -> str:
    """Return the document for a number's fallback address, which Twilio serves while the server cannot."""
    from offhook.wire.twiml import Fallback, sorry

    return sorry(Fallback(say=say, dial=dial or ""))
