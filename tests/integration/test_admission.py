"""Who gets in: webhook, TwiML, handshake, token, start. Everybody else is refused before any agent is dialled."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN, PUBLIC, Bridge, bridged, voice_form
from tests.kit.raw import WAIT_S, Line, request, status, until, upgrade

from offhook.agent import check
from offhook.offline.faults import Faults
from offhook.run.agent_leg import AgentLeg
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.stream import StreamClient
from offhook.wire import signature

OLD_TOKEN = "00112233445566778899aabbccddeeff"


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    """A signed server; nothing is dialled ahead, so that a dial means that a stream was let in."""
    async with bridged(OFFHOOK_CALL__PRECONNECT="false") as bridge:
        yield bridge
        assert AgentLeg.live == 0 or bridge.dials


async def refused(client: StreamClient) -> int | None:
    """Wait for the server's close and return its code."""
    ended = await client.wait_ended(WAIT_S)
    await client.aclose()
    return ended.code


async def test_the_whole_way_in(bridge: Bridge):
    who = CallIdentity()
    ticket = await bridge.voice(who)
    assert ticket.url.startswith("wss://voice.example.com/twilio/")
    assert "?" not in ticket.url
    assert ticket.parameters["caller"] == who.caller
    async with await bridge.stream(who, ticket.path) as client:
        await client.begin(ticket.parameters)
        await client.wait_until(lambda: client.heard, WAIT_S)
        await client.hang_up()
        assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"
        assert not list(client.complaints)
    assert bridge.dials == 1


async def test_the_document_names_our_public_address_whatever_the_host_header_says(bridge: Bridge):
    form = voice_form(CallIdentity())
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    code, text = await bridge.post("/twilio/voice", form, headers=lies)
    assert code == 200
    assert "evil" not in text
    assert text.count("://voice.example.com/") == 3


class TestH1Webhooks:
    @pytest.mark.parametrize("path", ["voice", "after", "status", "stream-status"])
    async def test_unsigned_or_signed_by_another(self, bridge: Bridge, path):
        form = voice_form(CallIdentity())
        assert (await bridge.post(f"/twilio/{path}", form, token=None))[0] == 403
        assert (await bridge.post(f"/twilio/{path}", form, token=AUTH_TOKEN[::-1]))[0] == 403
        for wrong in ("", "x" * 7000, "é", "SeQ3adAywmrftdJYOUaIKSO10Og="):
            answer = await bridge.post(f"/twilio/{path}", form, token=None, headers={"X-Twilio-Signature": wrong})
            assert answer == (403, "Not allowed.\n")
        assert bridge.dials == bridge.server.switchboard.live == 0

    async def test_signed_for_another_address(self, bridge: Bridge):
        form = voice_form(CallIdentity())
        for base in ("http://voice.example.com", "https://voice.example.com:8443", bridge.base, "https://evil.example"):
            signed = signature.sign(AUTH_TOKEN, f"{base}/twilio/voice", form.items())
            answer = await bridge.post("/twilio/voice", form, token=None, headers={"X-Twilio-Signature": signed})
            assert answer[0] == 403, base
        signed = signature.sign(AUTH_TOKEN, "https://voice.example.com:443/twilio/voice", form.items())
        assert (await bridge.post("/twilio/voice", form, token=None, headers={"X-Twilio-Signature": signed}))[0] == 200

    async def test_two_signatures(self, bridge: Bridge):
        who = CallIdentity()
        from urllib.parse import urlencode

        body = urlencode(voice_form(who)).encode()
        good = signature.sign(AUTH_TOKEN, f"{PUBLIC}/twilio/voice", voice_form(who).items())
        head = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": good}
        raw = request("POST", "/twilio/voice", head, body).replace(
            b"X-Twilio-Signature", b"X-Twilio-Signature: x\r\nX-Twilio-Signature"
        )
        async with await Line.open(bridge.server.port) as line:
            await line.send(raw)
            assert status(await line.to_the_end()) == 403

    async def test_another_account(self, bridge: Bridge):
        who = CallIdentity(account_sid="AC" + "9" * 32)
        assert (await bridge.post("/twilio/voice", voice_form(who)))[0] == 403
        assert bridge.server.switchboard.live == 0

    @pytest.mark.parametrize("changed", [{"CallSid": ""}, {"CallSid": "CA1"}, {"CallSid": "CA" + "x" * 32}])
    async def test_a_call_that_has_no_sid(self, bridge: Bridge, changed):
        form = {**voice_form(CallIdentity()), **changed}
        assert (await bridge.post("/twilio/voice", form))[0] == 400
        assert bridge.server.switchboard.live == 0


class TestHandshakes:
    @pytest.mark.parametrize("how", ["none", "wrong"])
    async def test_unsigned_or_wrong(self, bridge: Bridge, how):
        ticket = await bridge.voice(who := CallIdentity())
        with pytest.raises(LineFault) as caught:
            await bridge.stream(who, ticket.path, behaviour={"signature": how})
        assert caught.value.status == 403
        assert bridge.dials == 0

    @pytest.mark.parametrize(
        "url", ["https://voice.example.com{}", "wss://evil.example{}", "wss://voice.example.com/x"]
    )
    async def test_signed_for_another_address(self, bridge: Bridge, url):
        ticket = await bridge.voice(who := CallIdentity())
        signed = signature.sign(AUTH_TOKEN, url.format(ticket.path))
        async with await Line.open(bridge.server.port) as line:
            await line.send(upgrade(ticket.path, {"X-Twilio-Signature": signed}))
            assert status(await line.to_the_end()) == 403
        assert who.call_sid not in bridge.causes(who.call_sid)

    async def test_every_documented_form_of_the_address(self, bridge: Bridge):
        for form in ("wss://voice.example.com{}", "wss://voice.example.com:443{}", "wss://voice.example.com{}/"):
            ticket = await bridge.voice(who := CallIdentity())
            client = await bridge.stream(who, ticket.path, behaviour={"sign_as": form.format(ticket.path)})
            await client.begin(ticket.parameters)
            await until(lambda: bridge.events("call_started", who.call_sid))
            await client.hang_up()
            await client.aclose()

    async def test_get_without_upgrade(self, bridge: Bridge):
        ticket = await bridge.voice(CallIdentity())
        for path in ("/twilio", "/twilio/", ticket.path):
            assert (await bridge.get(path))[0] in (404, 405)
        assert bridge.dials == 0


class TestH4Tokens:
    async def test_missing(self, bridge: Bridge):
        ticket = await bridge.voice(who := CallIdentity())
        for path in (ticket.path, "/twilio"):
            client = await bridge.stream(who, path)
            await client.begin({})
            assert await refused(client) == 1008
        assert bridge.dials == 0
        assert [event["why"] for event in bridge.events("refused")] == ["missing", "missing"]

    async def test_forged(self, bridge: Bridge):
        ticket = await bridge.voice(who := CallIdentity())
        good = ticket.parameters["token"]
        key = signature.token_key("another secret")
        other = signature.mint_stream_token(key, who.call_sid, ACCOUNT, time.time() + 60, "n" * 16).text
        for forged in (good[:-1] + "x", "x", good + "x", other, "." * 200, "\x00", "é" * 40):
            client = await bridge.stream(who, ticket.path)
            await client.begin({**ticket.parameters, "token": forged})
            assert await refused(client) == 1008
        assert bridge.dials == 0
        assert good not in str(bridge.log)

    async def test_expired(self, bridge: Bridge):
        key, who = signature.token_key(AUTH_TOKEN), CallIdentity()
        for age, dials in ((31, 0), (29, 1)):  # a clock may be 30 s off
            token = signature.mint_stream_token(key, who.call_sid, ACCOUNT, time.time() - age, f"nonce-{age}-nonce")
            client = await bridge.stream(who, f"/twilio/{token.nonce}")
            await client.begin({"token": token.text})
            if dials:
                await until(lambda: bridge.dials == 1)
                await client.hang_up()
                await client.aclose()
            else:
                assert await refused(client) == 1008
                assert bridge.dials == 0

    async def test_of_another_call_or_another_path(self, bridge: Bridge):
        mine, theirs = CallIdentity(), CallIdentity()
        my_ticket, their_ticket = await bridge.voice(mine), await bridge.voice(theirs)
        for who, path, parameters in (
            (mine, their_ticket.path, their_ticket.parameters),
            (mine, their_ticket.path, my_ticket.parameters),
            (mine, "/twilio/aaaaaaaaaaaaaaaa", my_ticket.parameters),
        ):
            client = await bridge.stream(who, path)
            await client.begin(parameters)
            assert await refused(client) == 1008
        assert bridge.dials == 0

    async def test_used_twice(self, bridge: Bridge):
        client = await bridge.call(who := CallIdentity())
        ticket = await bridge.voice(who)
        await until(lambda: bridge.dials == 1)
        again = await bridge.stream(who, ticket.path)
        await again.begin(ticket.parameters)
        assert await refused(again) == 1008
        assert client.ended is None  # the thief disturbs nobody
        await client.hang_up()
        await client.aclose()
        after = await bridge.stream(who, ticket.path)
        await after.begin(ticket.parameters)
        assert await refused(after) == 1008
        assert bridge.dials == 1

    async def test_the_stream_of_another_account(self, bridge: Bridge):
        ticket = await bridge.voice(who := CallIdentity())
        client = await bridge.stream(who, ticket.path, behaviour={"start_account_sid": "AC" + "9" * 32})
        await client.begin(ticket.parameters)
        assert await refused(client) == 1008
        assert bridge.dials == 0


class TestStaticStreams:
    async def test_on(self):
        async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true") as bridge:
            async with await bridge.stream(who := CallIdentity()) as client:
                await client.begin()
                await client.wait_until(lambda: client.heard, WAIT_S)
                await client.hang_up()
            assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"
            stranger = await bridge.stream(who, behaviour={"start_account_sid": "AC" + "9" * 32})
            await stranger.begin()
            assert await refused(stranger) == 1008
            with pytest.raises(LineFault):
                await bridge.stream(who, behaviour={"signature": "none"})
            assert bridge.dials == 1

    async def test_a_path_with_a_nonce_needs_its_token_all_the_same(self):
        async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true", OFFHOOK_CALL__PRECONNECT="false") as bridge:
            ticket = await bridge.voice(who := CallIdentity())
            client = await bridge.stream(who, ticket.path)
            await client.begin()
            assert await refused(client) == 1008
            assert bridge.dials == 0

    async def test_a_webhook_for_a_call_that_came_without_one(self):
        """A Bin connects the stream; a webhook of the same call must not be a defect."""
        async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true") as bridge:
            client = await bridge.stream(who := CallIdentity())
            async with client:
                await client.begin()
                await until(lambda: bridge.events("call_started"))
                assert (await bridge.post("/twilio/voice", voice_form(who)))[0] == 200
                assert not bridge.events("request_defect")
                assert client.ended is None
                await client.hang_up()


class TestH6Rotation:
    async def test_both_tokens_are_good_while_it_lasts(self):
        async with bridged(OFFHOOK_TWILIO__PREVIOUS_AUTH_TOKEN=OLD_TOKEN) as bridge:
            for token in (OLD_TOKEN, AUTH_TOKEN):
                who = CallIdentity()
                ticket = await bridge.voice(who, token=token)
                async with await bridge.stream(who, ticket.path, auth_token=token) as client:
                    await client.begin(ticket.parameters)
                    await until(lambda: bridge.events("call_started", who.call_sid))  # noqa: B023
                    await client.hang_up()
            minted = signature.mint_stream_token(
                signature.token_key(OLD_TOKEN), (who := CallIdentity()).call_sid, ACCOUNT, time.time() + 9, "n" * 16
            )
            async with await bridge.stream(who, f"/twilio/{minted.nonce}") as client:  # minted before the rotation
                await client.begin({"token": minted.text})
                await until(lambda: bridge.events("call_started", who.call_sid))
                await client.hang_up()

    async def test_and_only_the_new_one_afterwards(self, bridge: Bridge):
        form = voice_form(who := CallIdentity())
        assert (await bridge.post("/twilio/voice", form, token=OLD_TOKEN))[0] == 403
        with pytest.raises(LineFault):
            await bridge.stream(who, auth_token=OLD_TOKEN)


class TestH3Replay:
    async def test_the_same_document_and_one_admission(self):
        async with bridged() as bridge:
            form = voice_form(who := CallIdentity())
            answers = [await bridge.post("/twilio/voice", form) for _ in range(50)]
            answers += await asyncio.gather(*(bridge.post("/twilio/voice", form) for _ in range(50)))
            assert {code for code, _ in answers} == {200}
            assert len({text for _, text in answers}) == 1
            assert (bridge.server.switchboard.live, bridge.dials) == (1, 1)
            await bridge.post("/twilio/status", {**form, "CallStatus": "completed"})
            assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"

    async def test_when_the_call_is_over_a_recording_of_it_dials_nobody(self):
        """It may be Twilio, who redirects the caller back: then the stream comes, and with it the agent."""
        async with bridged() as bridge:
            client = await bridge.call(who := CallIdentity())
            await client.hang_up()
            await client.aclose()
            await bridge.cause(who.call_sid)
            for times in range(2, 5):
                assert (await bridge.post("/twilio/voice", voice_form(who)))[0] == 200
                assert bridge.server.switchboard.live == 1
                await bridge.post("/twilio/status", {**voice_form(who), "CallStatus": "completed"})
                await until(lambda: len(bridge.causes(who.call_sid)) == times)  # noqa: B023
            assert bridge.dials == 1

    async def test_during_the_call(self):
        async with bridged() as bridge:
            client = await bridge.call(who := CallIdentity())
            form = voice_form(who)
            before = len(asyncio.all_tasks())
            answers = await asyncio.gather(*(bridge.post("/twilio/voice", form) for _ in range(40)))
            assert {code for code, _ in answers} == {200}
            await until(lambda: len(asyncio.all_tasks()) <= before + 1)  # nobody goes on waiting for the call's end
            assert (bridge.dials, client.ended) == (1, None)
            await client.hang_up()
            await client.aclose()
            assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"


class TestO1Busy:
    @pytest.mark.parametrize(
        ("environ", "tags"),
        [
            ({}, ["Say", "Hangup"]),
            ({"OFFHOOK_CALL__WHEN_BUSY__DO": "reject"}, ["Reject"]),
            (
                {
                    "OFFHOOK_CALL__WHEN_BUSY__DO": "redirect",
                    "OFFHOOK_CALL__WHEN_BUSY__REDIRECT": "https://busy.example.com/a?b=1&c=2",
                },
                ["Redirect"],
            ),
        ],
        ids=["say", "reject", "redirect"],
    )
    async def test_at_capacity(self, environ, tags):
        async with bridged(OFFHOOK_LIMITS__CALLS="1", **environ) as bridge:
            client = await bridge.call()
            code, text = await bridge.post("/twilio/voice", voice_form(CallIdentity()))
            assert code == 200
            assert [verb.tag for verb in ET.fromstring(text) if verb.tag != "Pause"] == tags
            assert (await bridge.get("/readyz"))[0] == 429
            assert (bridge.dials, client.ended) == (1, None)
            await client.hang_up()
            await client.aclose()
            await until(lambda: not bridge.server.switchboard.live)
            assert (await bridge.get("/readyz"))[0] == 200

    async def test_o2_too_many_starts(self):
        limits = {"OFFHOOK_LIMITS__CALLS_PER_SECOND": "0.1", "OFFHOOK_LIMITS__CALLS_BURST": "3"}
        async with bridged(OFFHOOK_CALL__PRECONNECT="false", **limits) as bridge:
            answers = await asyncio.gather(
                *(bridge.post("/twilio/voice", voice_form(CallIdentity())) for _ in range(40))
            )
            assert sum("<Connect" in text for _, text in answers) == 3
            assert {code for code, _ in answers} == {200}
            assert bridge.server.switchboard.live == 3
            assert (await bridge.get("/readyz"))[0] == 429

    async def test_static_streams_are_counted_too(self):
        async with bridged(OFFHOOK_TWILIO__STATIC_STREAMS="true", OFFHOOK_LIMITS__CALLS="1") as bridge:
            client = await bridge.stream(CallIdentity())
            async with client:
                await client.begin()
                await until(lambda: bridge.dials == 1)
                other = await bridge.stream(CallIdentity())
                await other.begin()
                assert await refused(other) is not None
                assert bridge.dials == 1
                await client.hang_up()


async def test_a1_an_agent_that_refuses_us_closes_the_door():
    async with bridged(OFFHOOK_TIMEOUTS__DIAL_ATTEMPTS="1") as bridge:
        bridge.agent.faults = Faults(refuse=401)
        client = await bridge.call(who := CallIdentity(), behaviour={"playback_speed": 20.0})
        assert await client.wait_ended(WAIT_S) is not None
        assert client.heard  # the apology
        await client.aclose()
        assert await bridge.cause(who.call_sid) == "agent_error/refused"
        code, text = await bridge.get("/readyz")
        assert (code, "agent refuses us" in text) == (503, True)
        refusal = await bridge.post("/twilio/voice", voice_form(CallIdentity()))
        assert [verb.tag for verb in ET.fromstring(refusal[1])] == ["Say", "Hangup"]
        assert bridge.dials == 1
        lost = bridge.events("agent_lost", who.call_sid)[0]
        assert "DEEPGRAM_API_KEY" in str(lost)
        assert API_KEY not in str(bridge.log)


async def test_a25_an_outage_is_not_waited_for_by_every_caller_and_its_end_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """After five calls in vain a caller hears the fallback at once; the server itself finds out that it is over."""
    monkeypatch.setattr(check, "_ASK_AGAIN_S", 0.05)
    async with bridged(OFFHOOK_TIMEOUTS__DIAL_ATTEMPTS="1") as bridge:
        bridge.agent.faults = Faults(refuse=503)
        outage = [CallIdentity() for _ in range(5)]
        for who in outage:
            await bridge.voice(who)
            await until(lambda: bridge.events("agent_lost", who.call_sid))  # noqa: B023
        assert (await bridge.get("/readyz"))[0] == 503
        dials = bridge.dials
        refusal = await bridge.post("/twilio/voice", voice_form(CallIdentity()))
        assert [verb.tag for verb in ET.fromstring(refusal[1])] == ["Say", "Hangup"]
        await until(lambda: bridge.dials > dials)
        bridge.agent.faults = Faults()
        await until(lambda: not bridge.server.switchboard.admission.agent_trouble)
        assert (await bridge.get("/readyz"))[0] == 200
        async with await bridge.call() as client:
            await client.wait_until(lambda: client.heard, WAIT_S)
            await client.hang_up()


class TestAfter:
    async def _after(self, bridge: Bridge, who: CallIdentity) -> list[str]:
        code, text = await bridge.post("/twilio/after", voice_form(who))
        assert code == 200
        return [verb.tag for verb in ET.fromstring(text)]

    async def test_after_a_good_call_it_ends(self):
        async with bridged() as bridge:
            client = await bridge.call(who := CallIdentity())
            await client.hang_up()
            await client.aclose()
            await bridge.cause(who.call_sid)
            assert await self._after(bridge, who) == ["Hangup"]

    async def test_after_the_agent_failed_a_person_is_called(self):
        environ = {"OFFHOOK_CALL__WHEN_AGENT_FAILS__DIAL": "+441632960000", "OFFHOOK_TIMEOUTS__DIAL_ATTEMPTS": "1"}
        async with bridged(**environ) as bridge:
            bridge.agent.faults = Faults(refuse=503)
            client = await bridge.call(who := CallIdentity(), behaviour={"playback_speed": 20.0})
            await client.wait_ended(WAIT_S)
            await client.aclose()
            await bridge.cause(who.call_sid)
            assert await self._after(bridge, who) == ["Say", "Dial", "Hangup"]
            assert await self._after(bridge, who) == ["Say", "Dial", "Hangup"], "a webhook may come twice"

    async def test_after_a_call_whose_stream_never_came(self, bridge: Bridge):
        """Nobody here knows it: its stream did not reach us, and a bare end would be dead air."""
        assert await self._after(bridge, CallIdentity()) == ["Say", "Hangup"]


class TestStatus:
    @pytest.mark.parametrize("final", ["completed", "busy", "failed", "no-answer", "canceled"])
    async def test_a_call_that_never_streamed_gives_its_agent_back(self, final):
        async with bridged() as bridge:
            await bridge.voice(who := CallIdentity())
            await until(lambda: AgentLeg.live == 1)
            form = {**voice_form(who), "CallStatus": final}
            assert (await bridge.post("/twilio/status", form))[0] == 204
            await until(lambda: AgentLeg.live == 0)
            assert await bridge.cause(who.call_sid) == "completed/caller_hung_up"
            assert (await bridge.post("/twilio/status", form))[0] == 204

    async def test_one_that_never_streams_is_given_up_by_itself(self):
        async with bridged(OFFHOOK_TIMEOUTS__ADMITTED_S="0.3") as bridge:
            await bridge.voice(who := CallIdentity())
            await until(lambda: AgentLeg.live == 1)
            assert await bridge.cause(who.call_sid) == "indeterminate/never_streamed"
            await until(lambda: AgentLeg.live == 0)

    async def test_stream_errors_are_told_by_their_code(self, bridge: Bridge):
        form: dict[str, Any] = {**voice_form(CallIdentity()), "StreamEvent": "stream-error"}
        for said in ("31920 - handshake\nfake=1", "x" * 5000):
            assert (await bridge.post("/twilio/stream-status", {**form, "StreamError": said}))[0] == 204
        assert [event["code"] for event in bridge.events("stream_error")] == ["31920", "not named"]


class TestUnsignedOnThisMachineOnly:
    async def test_a_token_is_not_needed_but_must_be_right(self):
        async with bridged(signed=False) as bridge:
            async with await bridge.stream(who := CallIdentity()) as client:
                await client.begin()
                await client.wait_until(lambda: client.heard, WAIT_S)
                await client.hang_up()
            bad = await bridge.stream(dataclasses.replace(who, call_sid=fresh_sid("CA")))
            await bad.begin({"token": "0.x.y"})
            assert await refused(bad) == 1008
            assert bridge.dials == 1

    @pytest.mark.parametrize("host", ['evil"><Dial>', "evil.example/x", "a b", "[::1", ""])
    async def test_a_host_that_is_none_is_refused_before_anything_is_dialled(self, host):
        """Without a public address the Host header goes into the document; then it must be a host."""
        async with bridged(signed=False) as bridge:
            body = b"CallSid=CA%032x&AccountSid=AC%032x" % (1, 2)
            head = {"Host": host, "Content-Type": "application/x-www-form-urlencoded"}
            async with await Line.open(bridge.server.port) as line:
                await line.send(request("POST", "/twilio/voice", head, body))
                assert status(await line.to_the_end()) == 400
            assert bridge.server.switchboard.live == bridge.dials == 0

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8080", ""])
    async def test_a_web_page_in_a_browser_of_this_machine_is_a_stranger(self, origin):
        """It may post forms and open sockets to this machine; nothing is admitted or dialled for it."""
        async with bridged(signed=False) as bridge:
            body = b"CallSid=CA%032x&AccountSid=AC%032x" % (1, 2)
            form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
            for raw in (
                request("POST", "/twilio/voice", form, body),
                request("POST", "/twilio/status", form, body),
                upgrade("/twilio", {"Origin": origin}),
                upgrade("/twilio/" + "a" * 16, {"Origin": origin}),
            ):
                async with await Line.open(bridge.server.port) as line:
                    await line.send(raw)
                    assert status(await line.to_the_end()) == 403
            assert bridge.server.switchboard.live == bridge.dials == 0
