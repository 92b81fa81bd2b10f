"""Whatever a client says: the parser and the rules take it or refuse it by name, and never fail on it."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.offline.test_messages import GOOD, WHOLE

from offhook.offline import messages as m
from offhook.offline import rules
from offhook.offline.plan import plan_call

_odd: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just("https://[x"), st.just(""),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)  # fmt: skip


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every container of a message with each of its keys."""
    inside = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _ in inside] + [place for _, value in inside for place in places(value)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a good message in which up to three things are gone or are something else, perhaps cut off."""
    message = copy.deepcopy(draw(st.sampled_from([*GOOD, WHOLE, WHOLE])))
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(message) or [({}, "x")]))
        if draw(st.booleans()):
            container[key] = draw(_odd)
        elif isinstance(container, dict):
            container.pop(key, None)
    text = json.dumps(message).encode()
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 9)) == 0 else text


def verdict(text: bytes) -> str:
    try:
        message = m.parse(text)
        if isinstance(message, m.Settings) and isinstance(message.agent, m.Agent):
            rules.check_settings(message, message.agent, rules.Project(think_live=True))
            plan_call(message, message.agent)
    except m.UnparsableError:
        return rules.UNPARSABLE
    except rules.RefusedError as refused:
        return refused.code
    return "taken"


_CUT = b'{"type":"Settings","audio":{},"agent":{"think":{"provider":{"type":"open_ai","model":"m"},"endpoint":'
_CUT += b'{"url":"x","headers":{"a":1}}'


@settings(max_examples=300, deadline=None)
@given(text=damaged())
@example(text=_CUT)
@example(text=_CUT + b',"endpoint":5}}}')
@example(text=_CUT + b"}}} x")
def test_anything_is_taken_or_refused_by_name(text: bytes) -> None:
    assert verdict(text) in {"taken", rules.INVALID, rules.UNPARSABLE, rules.CANNOT_LISTEN}
