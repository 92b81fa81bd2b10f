"""The speaking mind: loads ears and voice once for all calls, and makes each call's ears, brain and voice.

Not the dialogue (`dialogue/`), not the engines (`recognise`, `synthesise`), and not the protocol (`offline/`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from offhook.errors import ConfigError, OffhookError
from offhook.offline.ports import Brain, EarEvent, Ears, Voice
from offhook.offline.speech.crew import Crew
from offhook.offline.speech.voice import SpokenVoice

if TYPE_CHECKING:
    from offhook.offline.speech.vad import Vad

#: Recognition is bound by memory bandwidth: on two cores a second worker answers no sooner (measured with eight calls)
#: and costs 0.6 GB. With more cores it halves the queue when turns end together.
CORES_PER_EARS: Final = 4
MAX_EARS: Final = 2


#: The last engines there are: they keep a call alive, and nobody is understood.
_POOR: Final = {"none": "the recognition model", "beeps": "the neural voice"}


def lacking(engines: Iterable[str]) -> str:
    """Name what the engines in use do not replace; empty where each does its work."""
    used = set(engines)
    return " and ".join(what for engine, what in _POOR.items() if engine in used)


def ears_workers(cores: int) -> int:
    """Return how many recognition processes this machine gets."""
    return min(MAX_EARS, max(1, cores // CORES_PER_EARS))


class SpeakingMind:
    """Silero + Moonshine, a scripted receptionist or a language model, hibari; see `offhook.offline.ports.Mind`.

    ``llm`` is the address of an OpenAI-compatible endpoint or a GGUF file; ``progress`` is told, in one line each,
    what is being loaded and what is missing. `ConfigError` from `start` where the `offline` extra is not installed.
    """

    def __init__(self, llm: str | None = None, progress: Callable[[str], None] | None = None) -> None:
        self._llm_place = llm
        self._llm: Any = None
        self._progress = progress or (lambda _: None)
        self._make_detector: Callable[[], Vad] | None = None
        self._ears: Crew | None = None
        self._voice: Crew | None = None

    async def start(self) -> None:
        """Load everything, once: 2-3 s, or a minute where a model has to be fetched first."""
        if self._llm_place is not None:  # a file that is not there is told before anything is loaded
            from offhook.offline.speech.llm import LanguageModel

            self._llm = LanguageModel(self._llm_place, self._progress)
        self._progress("loading ears and voice")
        self._make_detector = await asyncio.to_thread(_detector, self._progress)
        self._ears = Crew("ears", ears_workers(os.cpu_count() or 1), self._progress)
        self._voice = Crew("voice", 1, self._progress)
        try:
            await self._load()
        except BaseException:
            await self.close()
            raise
        self._progress(f"ready: {self._ears.engine}, {self._voice.engine}")

    @property
    def lacks(self) -> str:
        """What a conversation needs and this machine has not; empty where it has all. After `start`."""
        return lacking(crew.engine for crew in (self._ears, self._voice) if crew is not None)

    async def _load(self) -> None:
        assert self._ears is not None
        assert self._voice is not None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ears.start())
                group.create_task(self._voice.start())
                if self._llm is not None:
                    group.create_task(self._llm.start())
        except* OffhookError as failed:
            raise failed.exceptions[0] from None

    def ears(  # ``heard`` is of no use here: what is said is recognised
        self,
        on_event: Callable[[EarEvent], None],
        listen: Mapping[str, Any],
        heard: int = 0,  # noqa: ARG002
    ) -> Ears:
        """Make ears for one call."""
        from offhook.offline.speech.ears import CallerEars
        from offhook.offline.speech.endpoint import rules_from

        assert self._ears is not None, "start() first"
        assert self._make_detector is not None, "start() first"
        return CallerEars(on_event, self._make_detector(), self._ears, rules_from(listen))

    def brain(self, settings: Mapping[str, Any]) -> Brain:
        """Make a brain for one call: the language model where one was given, else the receptionist."""
        if self._llm is not None:
            brain: Brain = self._llm.brain(settings)
            return brain
        from offhook.offline.speech.dialogue.receptionist import Receptionist

        return Receptionist()

    def voice(self, speak: Mapping[str, Any]) -> Voice:  # noqa: ARG002  # the port has it
        """Make the agent's voice for one call. There is one voice: what ``speak`` names does not apply."""
        assert self._voice is not None, "start() first"
        return SpokenVoice(self._voice)

    async def synthesise_line(self, text: str, *, caller: bool) -> bytes:
        """Return one whole line as µ-law, trimmed; ``caller`` in a voice that nobody takes for the agent's."""
        assert self._voice is not None, "start() first"
        voice = SpokenVoice(self._voice, caller=caller, pause_ms=0)
        return b"".join([piece async for piece in voice.say(text)])

    async def close(self) -> None:
        """Stop everything, worker processes included."""
        for part in (self._ears, self._voice, self._llm):
            if part is not None:
                await part.close()


def _detector(progress: Callable[[str], None]) -> Callable[[], Vad]:
    """Load the detector. numpy is the one thing without which there are no ears and no voice at all."""
    try:
        from offhook.offline.speech.vad import LoudnessDetector, SileroModel
    except ImportError as missing:
        raise ConfigError(
            [f'the speaking mind needs {missing.name}; run: pip install "offhook[offline]" (or use the scripted mind)']
        ) from missing
    try:
        return SileroModel().detector
    except ImportError as missing:
        progress(f'no speech detector: {missing.name} is not installed; run: pip install "offhook[offline]"')
        return LoudnessDetector
