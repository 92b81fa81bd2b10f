"""The list of all checks, in the order they are told. A new check is one line here and one module beside."""

from __future__ import annotations

from typing import Final

from offhook.setup.doctor.check import Check
from offhook.setup.doctor.checks import (
    address,
    clock,
    debugger,
    deepgram,
    files,
    image,
    number,
    python,
    railway,
    secrets,
    selfcall,
    settings,
    tunnel,
    twilio,
)

CHECKS: Final = (
    Check(python.NAME, "the Python that runs this and the packages it has", python.run),
    Check(files.NAME, "whether the project's files are whole", files.run),
    Check(secrets.NAME, "whether .env is read and kept secret", secrets.run),
    Check(settings.NAME, "whether the settings are valid and complete", settings.run),
    Check(settings.LISTENING, "where the server listens", settings.run_listening),
    Check(image.NAME, "whether a platform can build and start the project", image.run),
    Check(tunnel.NAME, "a laptop's tunnel, where one is in use", tunnel.run),
    Check(clock.NAME, "this machine's clock", clock.run, network=True),
    Check(deepgram.KEY, "Deepgram's key, settings and LLM, by a real handshake", deepgram.run, network=True),
    Check(twilio.ACCOUNT, "the Twilio account: credentials, type, status", twilio.run, network=True),
    Check(number.NUMBER, "the number: whose it is, what it can, what answers it", number.run, network=True),
    Check(debugger.NAME, "what Twilio's debugger has noted", debugger.run, network=True),
    Check(railway.NAME, "Railway: token, service, variables, settings, ports, deployments", railway.run, network=True),
    Check(address.NAME, "what answers at the public address", address.run, network=True),
    Check(selfcall.CALL, "a signed call to ourselves through the public address", selfcall.run, network=True),
)
