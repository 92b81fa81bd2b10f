"""Twilio's voice webhooks: answer a call, go on after the stream, note statuses. Decides by the switchboard's word.

Sources: Twilio "TwiML Voice: Twilio's Request", "Stream" (statusCallback), "Connect" (action). Webhooks may come twice
or late; each is idempotent by CallSid.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from offhook.call.ports import CallFacts
from offhook.config.settings import Settings
from offhook.errors import AdmissionRefused, BadSignature
from offhook.observe.log import logger
from offhook.run.switchboard import Switchboard, Ticket
from offhook.wire import signature, twiml
from offhook.wire.twilio import AccountSid, CallSid

_SID: Final = re.compile(r"(CA|AC)[0-9a-fA-F]{32}")
_HOST: Final = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")
_FORM: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = 200
_ASK_AGAIN: Final = 5
_ASKED: Final = frozenset(map(str, range(_ASK_AGAIN)))
_STREAM_CODE: Final = re.compile(r"\b(319\d\d)\b")
_FINAL: Final = frozenset(("completed", "busy", "failed", "no-answer", "canceled"))


class VoiceWebhooks:
    """The handlers of the four webhooks."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard

    @property
    def _settings(self) -> Settings:
        """The settings of the moment: `offhook dev` takes up changes while it runs."""
        return self._switchboard.settings

    @property
    def _fallback(self) -> twiml.Fallback:
        failure = self._settings.call.when_agent_fails
        return twiml.Fallback(failure.say, failure.dial or "")

    async def voice(self, request: web.Request) -> web.Response:
        """Answer an incoming call: admit it, dial the agent ahead, and connect the stream."""
        form = await self._form(request)
        facts = CallFacts(
            CallSid(self._sid(form, "CallSid")),
            AccountSid(self._sid(form, "AccountSid")),
            caller=form.get("From", ""),
            called=form.get("To", ""),
        )
        root = self._base(request) + self._settings.server.stream_path
        try:
            ticket = await self._switchboard.admit(facts)
        except AdmissionRefused as refusal:
            self._switchboard.refused(refusal)
            return _xml(self._refusal(request, root, str(refusal.facts.get("why"))))
        return _xml(twiml.answer(_document(root, facts, ticket, self._fallback)))

    async def after(self, request: web.Request) -> web.Response:
        """Go on after the stream: end, or apologise and connect a person where the agent failed or no stream came.

        A call we know nothing of is one whose stream did not reach us: hanging up on it would be the bare end.
        """
        form = await self._form(request)
        cause = self._switchboard.outcome(self._sid(form, "CallSid"))
        if cause is not None and cause.result in ("completed", "caller_error"):
            return _xml(twiml.hang_up())
        return _xml(twiml.sorry(self._fallback))

    async def status(self, request: web.Request) -> web.Response:
        """Note a call status; a call that is over before it streamed gives its agent back."""
        form = await self._form(request)
        call_sid, status = self._sid(form, "CallSid"), form.get("CallStatus", "")
        if status in _FINAL:
            self._switchboard.never_mind(call_sid)
        return web.Response(status=204)

    async def stream_status(self, request: web.Request) -> web.Response:
        """Note a stream status: the only place where Twilio says why a stream did not reach us."""
        form = await self._form(request)
        if form.get("StreamEvent") == "stream-error":
            code = _STREAM_CODE.search(form.get("StreamError", ""))
            logger().warning(
                "stream_error", call=self._sid(form, "CallSid"), code=code.group(1) if code else "not named"
            )
        return web.Response(status=204)

    # -- inner -------------------------------------------------------------------------------------------------

    async def _form(self, request: web.Request) -> dict[str, str]:
        """Return the form of a signed request. Raises `BadSignature`, 415 or 400."""
        if request.content_type != _FORM:
            raise web.HTTPUnsupportedMediaType
        try:
            pairs = parse_qsl(
                (await request.read()).decode(), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict"
            )
        except ValueError:
            raise web.HTTPBadRequest from None
        twilio, public = self._settings.twilio, self._settings.server.public_url
        if twilio.auth_tokens:
            given = request.headers.getall("X-Twilio-Signature", [])
            url = f"{public}{request.raw_path}"
            signature.check_signature(twilio.auth_tokens, given[0] if len(given) == 1 else None, url, pairs)
        else:
            signature.refuse_web_pages(request.headers.get("Origin"))
        form = dict(pairs)
        if twilio.account_sid is not None and form.get("AccountSid") != twilio.account_sid:
            raise BadSignature(why="another account")
        return form

    def _sid(self, form: dict[str, str], name: str) -> str:
        sid = form.get(name, "")
        if not _SID.fullmatch(sid):
            raise web.HTTPBadRequest
        return sid

    def _base(self, request: web.Request) -> str:
        """Return the public address. Without one (this machine only) the Host we were asked under will do."""
        public = self._settings.server.public_url
        if public is not None:
            return public
        if not _HOST.fullmatch(request.host):
            raise web.HTTPBadRequest
        return f"http://{request.host}"

    def _refusal(self, request: web.Request, root: str, why: str) -> str:
        """Answer a call we do not take: our successor's turn while draining, else as configured."""
        if why == "draining":
            asked = request.query.get("asked", "0")
            times = int(asked) if asked in _ASKED else _ASK_AGAIN
            if times < _ASK_AGAIN:
                return twiml.ask_again(f"{root}/voice?asked={times + 1}", after_s=1)
        if why == self._switchboard.admission.agent_trouble:
            return twiml.sorry(self._fallback)
        policy = self._settings.call.when_busy
        if policy.do == "reject":
            return twiml.busy()
        if policy.do == "redirect" and policy.redirect:
            return twiml.ask_again(policy.redirect, after_s=0)
        return twiml.say_and_hang_up(policy.say)


def _document(root: str, facts: CallFacts, ticket: Ticket, fallback: twiml.Fallback) -> twiml.StreamDocument:
    return twiml.StreamDocument(
        stream_url=f"ws{root.removeprefix('http')}/{ticket.nonce}",
        action_url=f"{root}/after",
        status_url=f"{root}/stream-status",
        parameters={"token": ticket.token, "caller": facts.caller[:80], "called": facts.called[:80]},
        fallback=fallback,
    )


def _xml(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml")
