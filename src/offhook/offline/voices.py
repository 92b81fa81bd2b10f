"""The vendor's own voices, recognisers and models by name, as published in November 2026. Facts only; judges nothing.

Voice Agent reference, "Deepgram voices" and "Managed models". Flux voices beyond English are open: they are named
flux-{voice}-{language}, and the list of 230 is not published in one place.
"""

from __future__ import annotations

import re
from typing import Final

_AURA_1: Final = "asteria luna stella athena hera orion arcas perseus angus orpheus helios zeus"
_AURA_2: Final = {
    "en": "amalthea andromeda apollo arcas aries asteria athena atlas aurora callista cora cordelia delia draco "
    "electra harmonia helena hera hermes hyperion iris janus juno jupiter luna mars minerva neptune odysseus ophelia "
    "orion orpheus pandora phoebe pluto saturn selene thalia theia vesta zeus",
    "es": "sirio nestor carina celeste alvaro diana aquila selena estrella javier agustina antonia gloria luciano "
    "olivia silvia valerio",
    "de": "aurelia elara fabian julius kara lara viktoria",
    "nl": "beatrix cornelia daphne hestia lars leda rhea roman sander",
    "fr": "agathe hector",
    "it": "cesare cinzia demetra dionisio elio flavio livia maia melia",
    "ja": "ama ebisu fujin izanami uzume",
}
_FLUX_EN: Final = (
    "alexis bree brittany brooke bruce cliff cole colin conor donovan drew elise gemma haley hannah heather jack kai "
    "kelsey kit maeve marcelo marcus meena meghan miles naveen paige priya rufus sean sharon sienna tanner wade wes"
)
AURA: Final = frozenset(
    [f"aura-{name}-en" for name in _AURA_1.split()]
    + [f"aura-2-{name}-{language}" for language, names in _AURA_2.items() for name in names.split()]
)
FLUX: Final = frozenset(f"flux-{name}-en" for name in _FLUX_EN.split())
_FLUX_ELSEWHERE: Final = re.compile(r"flux-[a-z]+-(?!en$)[a-z]{2}(-[a-z]+)?")

#: Recognisers by family: their variants (general, medical, phonecall, …) are not published in one place.
_FLUX_EARS: Final = re.compile(r"flux-general-[a-z]+")
_NOVA_EARS: Final = re.compile(
    r"(nova(-[23])?|enhanced|base|whisper)(-[a-z]+)*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
#: provider → model ids; the first list of the vendor's own page, both tiers.
MANAGED: Final = {
    "open_ai": "gpt-5.4-nano gpt-5.4-mini gpt-5-nano gpt-5-mini gpt-4.1-nano gpt-4.1-mini gpt-4o-mini gpt-5.5 gpt-5.4 "
    "gpt-5.3-chat-latest gpt-5.2-chat-latest gpt-5.2 gpt-5.1-chat-latest gpt-5.1 gpt-5 gpt-4.1 gpt-4o",
    "anthropic": "claude-haiku-4-5 claude-3-5-haiku-latest claude-sonnet-5 claude-sonnet-4-6 claude-sonnet-4-5 "
    "claude-sonnet-4-20250514",
    "google": "gemini-3.5-flash gemini-3.1-flash-lite gemini-3-flash-preview gemini-2.5-flash gemini-2.0-flash-lite "
    "gemini-3-pro-preview",
    "nvidia": "nemotron-3-nano-30B-A3B nvidia/nemotron-3.5-lightning-30b-a3b",
    "deepgram": "think-fast phonellm-mini-alpha-2-fp8",
}
_WORDS: Final = {"gpt": "GPT", "ai": "AI", "phonellm": "PhoneLLM"}


def is_voice(name: str, *, flux: bool) -> bool:
    """Return whether the vendor has this voice in this family."""
    if flux:
        return name in FLUX or _FLUX_ELSEWHERE.fullmatch(name) is not None
    return name in AURA


def is_recogniser(name: str, *, flux: bool) -> bool:
    """Return whether the vendor listens with this model: Flux (v2), or Nova and older ones (v1), or a trained one."""
    return (_FLUX_EARS if flux else _NOVA_EARS).fullmatch(name) is not None


def is_managed(provider: str, model: str) -> bool:
    """Return whether the vendor runs this model; providers it does not manage run anything."""
    return provider not in MANAGED or model in MANAGED[provider].split()


def models() -> list[dict[str, str]]:
    """Return the managed models as ``GET …/think/models`` lists them."""
    return [
        {"id": model, "name": _shown(model), "provider": provider}
        for provider, listed in MANAGED.items()
        for model in listed.split()
    ]


def _shown(model: str) -> str:
    parts = model.rpartition("/")[2].split("-")
    return " ".join(_WORDS.get(part, part if part[:1].isdigit() else part.capitalize()) for part in parts)
