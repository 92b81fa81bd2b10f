"""The REST transport on real sockets: refusals as sentences, patience while Twilio is busy, deadlines that end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.kit.ports import deaf_port

from offhook.carrier.account import Credentials
from offhook.carrier.client import Carrier
from offhook.carrier.failures import SENTENCES
from offhook.carrier.transport import Deadlines, moved
from offhook.errors import CarrierBusy, CarrierError, CarrierRefused, CarrierRejected, CarrierUnavailable

GENEROUS = Deadlines(10.0, 60.0)
SECRET = "fedcba9876543210" * 2
ACCOUNT = "AC" + "0" * 31 + "1"
LOGIN = Credentials(ACCOUNT, ACCOUNT, SECRET)
ACTIVE = {"sid": ACCOUNT, "type": "Full", "status": "active", "friendly_name": "mine"}


@asynccontextmanager
async def asked(
    answer: Callable[[int], web.Response | dict[str, object]], deadlines: Deadlines = GENEROUS
) -> AsyncIterator[tuple[Carrier, list[web.Request]]]:
    """Serve ``answer(how many requests came before)``; yield a carrier that asks there."""
    requests: list[web.Request] = []

    async def serve(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        answered = answer(len(requests) - 1)
        return web.json_response(answered) if isinstance(answered, dict) else answered

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Carrier(LOGIN, f"http://127.0.0.1:{runner.addresses[0][1]}", deadlines) as carrier:
            yield carrier, requests
    finally:
        await runner.cleanup()


def refusing(status: int, code: int, **headers: str) -> web.Response:
    said = {"code": code, "message": "+14155550123 is not valid", "more_info": "", "status": status}
    return web.json_response(said, status=status, headers=headers)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 20003, CarrierRefused),
        (403, 20008, CarrierRefused),
        (404, 20404, CarrierRejected),
        (400, 21211, CarrierRejected),
        (400, 99999, CarrierRejected),
        (500, 20500, CarrierUnavailable),
        (503, 0, CarrierUnavailable),
        (429, 22005, CarrierRejected),
    ],
)
async def test_a_refusal_is_a_sentence_with_its_code_and_without_numbers(status, code, kind):
    async with asked(lambda _: refusing(status, code)) as (carrier, requests):
        with pytest.raises(kind) as refused:
            await carrier.account()
    said = str(refused.value)
    assert said.count(".") >= 1
    assert "415555" not in said
    assert SECRET not in said
    assert f"(Twilio {code})" in said or not code
    assert len(requests) == 1
    assert SECRET not in repr(LOGIN)


async def test_a_busy_twilio_is_asked_again_until_it_answers():
    async with asked(lambda n: refusing(429, 20429) if n < 2 else ACTIVE) as (carrier, requests):
        assert (await carrier.account()).type == "full"
    assert len(requests) == 3


async def test_a_twilio_that_stays_busy_is_given_up():
    async with asked(lambda _: refusing(429, 20429, **{"Retry-After": "1"}), Deadlines(5.0, 0.2)) as (carrier, _):
        with pytest.raises(CarrierBusy, match="too many requests"):
            await carrier.account()


async def test_a_refusal_of_a_list_keeps_its_code():
    async with asked(lambda _: refusing(403, 20005)) as (carrier, _):
        with pytest.raises(CarrierRefused, match="20005"):
            await carrier.numbers.all()


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (web.Response(text="<html>Welcome"), "else than Twilio"),
        (web.Response(text="{broken"), "else than Twilio"),
        (web.Response(text="{}"), "else than Twilio"),
        (web.Response(text='{"sid": 5, "type": []}'), "else than Twilio"),
        (web.Response(text='{"a":' * 100_000), "else than Twilio"),
        (web.Response(status=302, headers={"Location": "/else"}), "redirects"),
        (web.Response(status=404, text="<html>"), "TWILIO_API_URL"),
    ],
)
async def test_what_is_not_the_api_is_told(answer, word):
    async with asked(lambda _: answer) as (carrier, _):
        with pytest.raises(CarrierError, match=word):
            await carrier.account()


@pytest.mark.parametrize("numbers", ["null", "[1]", "[{}]", '"x"', '[{"sid": null}]', '{"a": 1}'])
async def test_a_list_that_is_none_of_twilios_is_told(numbers):
    text = f'{{"incoming_phone_numbers": {numbers}, "next_page_uri": null}}'
    async with asked(lambda _: web.Response(text=text)) as (carrier, _):
        with pytest.raises(CarrierUnavailable, match="else than Twilio"):
            await carrier.numbers.all()


async def test_nobody_there_is_told():
    with deaf_port() as port:
        async with Carrier(LOGIN, f"http://127.0.0.1:{port}") as carrier:
            with pytest.raises(CarrierUnavailable, match="cannot be reached"):
                await carrier.account()


async def test_silence_ends_at_the_deadline():
    release, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Carrier(LOGIN, url, Deadlines(0.2, 5.0)) as carrier:
        with pytest.raises(CarrierUnavailable, match=r"did not answer within 0\.2 s"):
            await carrier.account()
    release.set()
    async with asyncio.timeout(30):
        await gone.wait()
    server.close()
    await server.wait_closed()


def test_requests_go_to_our_base_url():
    sdk = "https://api.twilio.com/2010-04-01/Accounts.json?Page=1"
    assert moved(sdk, "https://api.twilio.com") == sdk
    assert moved(sdk, "http://127.0.0.1:8000") == "http://127.0.0.1:8000/2010-04-01/Accounts.json?Page=1"
    alerts = "https://monitor.twilio.com/v1/Alerts"
    assert moved(alerts, "https://api.twilio.com") == alerts
    assert moved(alerts, "https://api.dublin.ie1.twilio.com") == "https://monitor.dublin.ie1.twilio.com/v1/Alerts"
    assert moved(alerts, "http://127.0.0.1:8000") == "http://127.0.0.1:8000/v1/Alerts"


def test_every_sentence_says_what_to_do_or_what_is_so():
    for code, sentence in SENTENCES.items():
        assert sentence.endswith("."), code
        assert sentence[0].isupper(), code
