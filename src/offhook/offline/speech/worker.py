"""One worker process: loads an engine, then does one order after the other until its input ends. No asyncio.

Run as ``python -m offhook.offline.speech.worker ears|voice``; orders come on stdin, results go to stdout. It ends
when the parent does, because stdin ends then. It is not a place for policy: order and priority are the parent's.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

from offhook.offline.speech import orders


def main(kind: str) -> None:
    """Serve until stdin ends."""
    # Ctrl-C in a terminal reaches the whole process group; ending us is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    taken, given = _pipes()

    def tell(result: orders.Result) -> None:
        given.write(orders.packed(result))
        given.flush()

    do, engine = _engine(kind, lambda text: tell(orders.Loading(text)))
    tell(orders.Ready(engine))
    for body in _bodies(taken):
        try:
            for result in do(orders.order_from(body)):
                tell(result)
        except BrokenPipeError:
            return
        except Exception as error:  # noqa: BLE001  # the boundary of one order: the next one may go well
            tell(orders.Failed(type(error).__name__))


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdout to ourselves: what native libraries print there must not land between two results."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.buffer, ours


def _bodies(source: BinaryIO) -> Iterator[bytes]:
    while len(head := source.read(orders.LENGTH.size)) == orders.LENGTH.size:
        (length,) = orders.LENGTH.unpack(head)
        if length > orders.MAX_FRAME_BYTES or len(body := source.read(length)) != length:
            return
        yield body


def _engine(
    kind: str, progress: Callable[[str], None]
) -> tuple[Callable[[orders.Order], Iterator[orders.Result]], str]:
    if kind == "ears":
        from offhook.offline.speech.recognise import load_recogniser

        recognise = load_recogniser(progress)

        def hear(order: orders.Order) -> Iterator[orders.Result]:
            assert isinstance(order, orders.Recognise)
            yield orders.Recognised(recognise(order.audio))

        return hear, recognise.name
    from offhook.offline.speech.synthesise import load_synthesiser

    synthesise = load_synthesiser(progress)

    def speak(order: orders.Order) -> Iterator[orders.Result]:
        assert isinstance(order, orders.Synthesise)
        for piece in synthesise(order.text, caller=order.caller):
            yield orders.Spoken(piece, last=False)
        yield orders.Spoken(b"", last=True)

    return speak, synthesise.name


if __name__ == "__main__":
    main(sys.argv[1])
