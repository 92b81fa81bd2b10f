"""Why a webhook could not be connected to, with the vendor's code. Reads errors of the HTTP client; asks nobody."""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from offhook.sim.complaints import LineFault

#: OpenSSL's reason for not trusting a certificate → Twilio's code; every other reason is 11237.
_CERTIFICATE: Final = {
    10: (11236, "the certificate has expired"),
    62: (11235, "the certificate is for another host"),
    64: (11235, "the certificate is for another host"),
}


def unconnected(error: aiohttp.ClientConnectorError) -> LineFault:
    """Return what Twilio would say: 11205, 11210, 11220, or 11235 to 11237."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = error.certificate_error
        code = why.verify_code if isinstance(why, ssl.SSLCertVerificationError) else 0
        return LineFault(*_CERTIFICATE.get(code, (11237, "nobody it trusts vouches for the certificate")))
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return LineFault(11220, "no TLS handshake")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return LineFault(11210, "the host name is unknown")
    if isinstance(error.os_error, ConnectionRefusedError):
        return LineFault(11205, "nothing listens there")
    return LineFault(11205, "no connection")
