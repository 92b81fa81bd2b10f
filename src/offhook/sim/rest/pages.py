"""Pages of a list, in both of the vendor's forms. A later page needs the token of the one before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from offhook.sim.rest.asked import Asked
from offhook.sim.rest.refusals import Refusal

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 1000
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which part of a list a page is."""

    number: int
    size: int
    first: int
    last_sid: str
    has_next: bool
    before_sid: str


def page(asked: Asked, key: str, entries: Sequence[Entry], sid: Callable[[Entry], str], show: Any) -> dict[str, Any]:
    """Return a page of the 2010 API: the entries under ``key``, with the paths of its neighbours."""
    cut, shown = _cut(asked, entries, sid)

    def uri(number: int, token: str) -> str:
        return f"{asked.path}?{_query(asked, cut.size, number, token)}"

    return {
        key: [show(entry) for entry in shown],
        "end": cut.first + len(shown) - 1 if shown else 0,
        "first_page_uri": uri(0, ""),
        "next_page_uri": uri(cut.number + 1, f"PA{cut.last_sid}") if cut.has_next else None,
        "page": cut.number,
        "page_size": cut.size,
        "previous_page_uri": uri(cut.number - 1, f"PB{cut.before_sid}") if cut.number else None,
        "start": cut.first,
        "uri": uri(cut.number, asked.query.get("PageToken") or ""),
    }


def page_v1(asked: Asked, key: str, entries: Sequence[Entry], sid: Callable[[Entry], str], show: Any) -> dict[str, Any]:
    """Return a page of the newer APIs: the same with whole addresses under ``meta``."""
    cut, shown = _cut(asked, entries, sid)

    def url(number: int, token: str) -> str:
        return f"{asked.base_url}{asked.path}?{_query(asked, cut.size, number, token)}"

    return {
        key: [show(entry) for entry in shown],
        "meta": {
            "first_page_url": url(0, ""),
            "key": key,
            "next_page_url": url(cut.number + 1, f"PA{cut.last_sid}") if cut.has_next else None,
            "page": cut.number,
            "page_size": cut.size,
            "previous_page_url": url(cut.number - 1, f"PB{cut.before_sid}") if cut.number else None,
            "url": url(cut.number, asked.query.get("PageToken") or ""),
        },
    }


def _cut(asked: Asked, entries: Sequence[Entry], sid: Callable[[Entry], str]) -> tuple[_Cut, Sequence[Entry]]:
    size = asked.query.integer("PageSize", 1, PAGE_SIZE_MAX) or PAGE_SIZE
    number = asked.query.integer("Page", 0, 10**9) or 0
    token = asked.query.get("PageToken") or ""
    first = _first(entries, sid, size, number, token)
    shown = entries[first : first + size]
    before = sid(entries[first]) if shown and first else ""
    last = sid(shown[-1]) if shown else ""
    return _Cut(number, size, first, last, first + size < len(entries), before), shown


def _first(entries: Sequence[Entry], sid: Callable[[Entry], str], size: int, number: int, token: str) -> int:
    """Find where a page begins: behind the entry its token names (PA), or so that it ends before that entry (PB)."""
    if not token:
        if number:
            raise Refusal(20001, "Page is only valid with the PageToken of the page before")
        return 0
    direction, wanted = token[:2], token[2:]
    at = next((index for index, entry in enumerate(entries) if sid(entry) == wanted), None)
    if direction not in ("PA", "PB") or at is None:
        raise Refusal(20001, "PageToken")
    return at + 1 if direction == "PA" else max(0, at - size)


def _query(asked: Asked, size: int, number: int, token: str) -> str:
    kept = {name: asked.query.get(name) or "" for name in asked.query if name not in ("PageSize", "Page", "PageToken")}
    place: Mapping[str, str] = {"PageSize": str(size), "Page": str(number), **({"PageToken": token} if token else {})}
    return urlencode({**kept, **place})
