"""Where a public address is reached on this machine: a bridge behind its real name, without network. Pure text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_SECURE: Final = {"https": "https", "wss": "https", "http": "http", "ws": "http"}


@dataclass(frozen=True, slots=True)
class Reach:
    """``public`` is how the world names a server, like https://voice.example.com; ``local`` where it listens.

    Everything is signed, and told, under the public name; only the connection goes to ``local``.
    """

    public: str
    local: str

    def local_url(self, url: str) -> str:
        """Return where ``url`` is reached: at ``local`` if it is a URL of ``public``, else where it says."""
        public, local = urlsplit(self.public), urlsplit(self.local)
        try:
            parts = urlsplit(url)
            is_public = (parts.hostname, parts.port) == (public.hostname, public.port)
        except ValueError:  # no address at all
            return url
        if not is_public or parts.scheme not in _SECURE:
            return url
        is_stream = parts.scheme in ("ws", "wss")
        scheme = _SECURE[local.scheme].replace("http", "ws" if is_stream else "http")
        return parts._replace(scheme=scheme, netloc=local.netloc).geturl()
