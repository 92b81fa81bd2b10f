"""Whatever a server answers, a simulated call ends by itself with a report: nothing of it is an error of ours."""

from __future__ import annotations

import asyncio
import random
from xml.sax.saxutils import escape, quoteattr

import pytest
from aiohttp import web
from tests.integration.sim.office import Office, called

from offhook.sim.caller import HangUp, Pause, Press
from offhook.sim.grammar import NOUNS, VERBS
from offhook.sim.plan import DialOutcome

VALUES = (
    *(
        "",
        "abc",
        "-1",
        "0",
        "1",
        "2",
        "1e9",
        "9" * 400,
        "9" * 5000,
        "²",
        "٣",
        "true",
        "false",
        "GET",
        "PUT",
        "é",
        "x y",
    ),
    *(
        "#",
        "*",
        "both_tracks",
        "http://[::1",
        "http://127.0.0.1:99999/x",
        "ws://[::1",
        "wss://127.0.0.1:0x/",
        "ftp://127.0.0.1/b",
        "//",
        "/x",
    ),
    *(
        "http://",
        "https://127.0.0.1:1/",
        "ws://127.0.0.1:1/",
        "mailto:x",
        "a" * 600,
        "HTTP/ok",
        "WS/stream",
    ),
)


def text(chance: random.Random, office: Office) -> str:
    return chance.choice(VALUES).replace("HTTP", office.http).replace("WS", f"ws://127.0.0.1:{office.port}")


def element(name: str, chance: random.Random, office: Office, depth: int = 0) -> str:
    known = sorted(VERBS.get(name, NOUNS.get(name, frozenset())))
    attributes = [f" {one}={quoteattr(text(chance, office))}" for one in known if chance.random() < 0.35]
    names = [*VERBS, *NOUNS, *NOUNS, "Foo", "Siprec"]
    inner = [element(chance.choice(names), chance, office, depth + 1) for _ in range(chance.choice((0, 0, 1, 2)))]
    said = escape(text(chance, office)) if chance.random() < 0.6 else ""
    return f"<{name}{''.join(attributes)}>{said}{''.join(inner) if depth < 3 else ''}</{name}>"


def document(chance: random.Random, office: Office) -> str:
    verbs = [element(chance.choice([*VERBS, "Stream", "Foo"]), chance, office) for _ in range(chance.randint(1, 4))]
    return f"<Response>{''.join(verbs)}</Response>"


def answer(chance: random.Random, office: Office) -> web.Response:
    roll = chance.random()
    if roll < 0.1:
        return web.Response(status=302, headers={"Location": text(chance, office).replace("²", "")})
    if roll < 0.15:
        return web.Response(status=chance.choice((204, 401, 404, 503)))
    return web.Response(text=document(chance, office) if roll < 0.7 else "<Response/>", content_type="text/xml")


@pytest.mark.parametrize("seed", range(3))
async def test_no_document_is_an_error_of_ours(office, seed):
    chance = random.Random(seed)
    office.greeting_ms = 0

    class Anything(dict):  # type: ignore[type-arg]
        def get(self, path: str, _: object = None) -> object:
            return lambda _: answer(chance, office)

    office.documents = Anything()

    async def one() -> None:
        target = chance.choice((f"{office.http}/voice", document(chance, office)[:3900]))
        report, _ = await called(
            target,
            *(Press("1"), Pause(0.3), HangUp()),
            verb_speed=2000.0,
            limit_s=10.0,
            fallback_url=chance.choice((None, f"{office.http}/fallback", "http://[::1")),
            status_url=chance.choice((None, f"{office.http}/status", "http://[")),
            trial=chance.choice(("no", "no", "no", "current", "legacy")),
            dial=DialOutcome(chance.choice(("answered", "busy", "failed")), rings_s=1, talks_s=1, presses="1"),
        )
        assert report.status in ("completed", "busy", "no-answer")
        assert report.ended.by != "nobody"

    await asyncio.gather(*(one() for _ in range(30)))
