"""`<Enqueue>`, `<Leave>` and `<Dial><Queue>`: calls of one account wait for each other, first in, first out.

A call that is alone in the world waits for the one whom its plan sends, or for nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from offhook.sim.caller import LineOver
from offhook.sim.desk import FOREVER_S, Desk, is_true, number_of
from offhook.sim.pages import Page
from offhook.sim.plan import Rerouted
from offhook.sim.rooms import QUEUE_SIZE, Member, Queue, Waiting
from offhook.sim.twiml import Element
from offhook.sim.verbs.hold import hold
from offhook.sim.verbs.talk import star, talk

_MOST: Final = 5000


async def enqueue(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Wait in a queue; ask `action` with what became of it."""
    desk.tell(verb, "")
    size = int(min(_MOST, number_of(verb, "maxQueueSize", QUEUE_SIZE)))
    queue = desk.rooms.queue(verb.text, size)
    if len(queue.waiting) >= size:
        return await desk.pages.action(verb, page, {"QueueResult": "queue-full"})
    place = Waiting(
        desk.identity.call_sid,
        lambda frame: desk.earpiece.hear(desk.circuit.now_ms(), frame),
        desk.circuit.now_ms(),
    )
    queue.waiting.append(place)

    def extra(result: str) -> dict[str, str]:
        waited_s = (desk.circuit.now_ms() - place.entered_ms) / 1000 * desk.plan.speed
        return {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": str(round(waited_s))}

    try:
        result = await _wait(verb, page, desk, queue, place)
    except LineOver:
        gone = {**extra("hangup"), "CallStatus": "completed"}
        await desk.pages.tell_action(verb, page, gone, "queue")
        raise
    except Rerouted:
        await desk.pages.tell_action(verb, page, extra("redirected"), "queue")
        raise
    finally:
        if place in queue.waiting:
            queue.waiting.remove(place)
        place.is_released = True
    return await desk.pages.action(verb, page, extra(result))


async def _wait(verb: Element, page: Page, desk: Desk, queue: Queue, place: Waiting) -> str:
    plan = desk.plan.queue
    due_ms = None if plan.waits_s is None else place.entered_ms + plan.waits_s * 1000 / desk.plan.speed

    def is_taken() -> bool:
        return place.taken_by is not None or (due_ms is not None and desk.circuit.now_ms() >= due_ms)

    wait_url = verb.attributes.get("waitUrl")
    if wait_url:
        method = verb.attributes.get("waitUrlMethod", "POST")
        if await hold(desk, page.absolute(wait_url), method, _form(desk, queue, place), is_taken):
            return "leave"
    else:
        await desk.wait(FOREVER_S, is_taken)
    taker = place.taken_by
    if taker is None:
        queue.waiting.remove(place)
        await talk(desk, plan.talks_s, desk.plan.dial.says)
    else:
        await talk(desk, FOREVER_S, until=lambda: place.is_released, ear=taker.hear)
    return "bridged"


def _form(desk: Desk, queue: Queue, place: Waiting) -> Callable[[], Mapping[str, str]]:
    def form() -> Mapping[str, str]:
        now_ms = desk.circuit.now_ms()
        waited_ms = [now_ms - other.entered_ms for other in queue.waiting] or [now_ms - place.entered_ms]
        return {
            "QueueSid": queue.sid,
            "CurrentQueueSize": str(len(queue.waiting)),
            "QueuePosition": str(queue.position(place)),
            "QueueTime": str(round((now_ms - place.entered_ms) / 1000 * desk.plan.speed)),
            "AvgQueueTime": str(round(sum(waited_ms) / len(waited_ms) / 1000 * desk.plan.speed)),
        }

    return form


async def dequeue(verb: Element, noun: Element, desk: Desk) -> Mapping[str, str]:
    """Take the first caller of a queue and talk. Return what `action` is told."""
    desk.tell(verb, "Queue")
    queue = desk.rooms.queue(noun.text)
    if not desk.has_company:
        return await _dequeue_nobody(desk)
    taker = Member(desk.identity.call_sid, lambda frame: desk.earpiece.hear(desk.circuit.now_ms(), frame))
    if not await desk.wait(number_of(verb, "timeout", 30.0), lambda: queue.waiting):
        return {"DialCallStatus": "no-answer", "DialBridged": "false"}
    taken = queue.take(taker)
    assert taken is not None
    began_ms = desk.circuit.now_ms()
    leaves = star(desk, is_true(verb, "hangupOnStar"))
    try:
        await talk(desk, FOREVER_S, until=lambda: taken.is_released or leaves(), ear=taken.hear)
    finally:
        taken.is_released = True
    lasted_s = (desk.circuit.now_ms() - began_ms) / 1000 * desk.plan.speed
    return {
        "DialCallStatus": "completed",
        "DialCallSid": taken.call_sid,
        "DialCallDuration": str(round(lasted_s)),
        "DialBridged": "true",
    }


async def _dequeue_nobody(desk: Desk) -> Mapping[str, str]:
    outcome = desk.plan.dial
    await desk.wait(outcome.rings_s)
    if outcome.result != "answered":
        return {"DialCallStatus": outcome.result, "DialBridged": "false"}
    await talk(desk, outcome.talks_s, outcome.says)
    return {"DialCallStatus": "completed", "DialBridged": "true"}
