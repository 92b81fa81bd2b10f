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
        str | None, typer.Option("--url", metavar="URL", help="Stream address, wss://…; default: from the settings.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings file; default: offhook.toml here.")
    ] = None,
) -> None:
    """Print the exact text of a TwiML Bin that connects a number to this server.

    A Bin is static: it cannot carry the one-time token that the webhook gives, so the server relies on Twilio's
    signature of the stream. Prefer the webhook (POST /twilio/voice) where you can.

    Example: offhook twiml --url wss://voice.example.com/twilio
    """
    from offhook.config import load
    from offhook.errors import ConfigError

    settings = load(file).settings
    address = url if url is not None else settings.server.stream_url
    if address is None:
        raise ConfigError(["server.public_url: is not set; set OFFHOOK_PUBLIC_URL or give --url wss://HOST/twilio"])
    failure = settings.call.when_agent_fails
    typer.echo(bin_document(stream_address(address), failure.say, failure.dial))
    typer.echo("Static: Twilio's signature of the stream is the only proof; no one-time token is possible.", err=True)
    if not settings.twilio.static_streams:
        typer.echo("The server takes such streams once twilio.static_streams = true is set.", err=True)


def stream_address(url: str) -> str:
    """Return ``url`` if Twilio would take it as a stream's address, or raise ConfigError that says why not."""
    from offhook.config.values import split_url
    from offhook.errors import ConfigError

    try:
        parts = split_url(url, ("wss",), "wss://voice.example.com/twilio")
        if parts.query or parts.fragment:
            raise ValueError("must not have a query string: Twilio refuses it (error 31920); use the path")
    except ValueError as error:
        raise ConfigError([f"--url: {error}"]) from None
    return url


def bin_document(stream_url: str, say: str, dial: str | None) -> str:
    """Return the document. ``{{From}}`` and ``{{To}}`` are filled by Twilio (docs, "TwiML Bins")."""
    from offhook.wire.twiml import Fallback, StreamDocument, answer

    return answer(
        StreamDocument(
            stream_url=stream_url,
            parameters={"caller": "{{From}}", "called": "{{To}}"},
            fallback=Fallback(say=say, dial=dial or ""),
        )
    )
