"""Are the settings valid, complete for a real call, and fit for where this runs? Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from offhook.config.exposure import lacking_for_real_calls, listening
from offhook.errors import ConfigError
from offhook.platforms import platform_of
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok

NAME: Final = "settings"
LISTENING: Final = "listening"

#: Words of a settings problem → the case. The first that fits counts; the words are our own, held by tests.
_CASES: Final = (
    ("is a placeholder", "placeholder"),
    ("is blank", "blank"),
    ("has quotes", "malformed"),
    ("that nothing has filled in", "unfilled"),
    ("has a blank or a line break", "malformed"),
    ("Authorization header", "malformed"),
    ("that no key has", "malformed"),
    ("does not have the right form", "malformed"),
    ("what belongs here is in", "wrong-vendor"),
    ("is missing beside", "incomplete"),
    ("is also set, differently", "contradiction"),
    ("did you mean", "unknown-key"),
    ("web page", "web-page"),
    ("not valid TOML", "not-toml"),
)


async def run(patient: Patient) -> Sequence[Finding]:
    """Check the settings; each problem is a finding of its own."""
    if patient.loaded is None:
        return [_problem(line) for line in patient.problems]
    lacking = lacking_for_real_calls(patient.loaded.settings)
    found = [
        Finding(NAME, "fail", line.partition(":")[0], "missing", "a value from your account", line.partition(": ")[2])
        for line in lacking
        if "PUBLIC_URL" not in line
    ]
    if found and _is_no_project(patient):
        said = "this folder holds no project: no offhook.toml, no .env"
        fix = "change to the project's folder, or name it: offhook doctor DIR; `offhook setup` makes a new one"
        found.insert(0, Finding(NAME, "fail", said, "no-project", "the folder of offhook.toml", fix))
    found += [
        Finding(NAME, "warn", note.partition(";")[0], "note", "a name that offhook knows", note.partition("; ")[2])
        for note in patient.loaded.notes
    ]
    return found or [ok(NAME, f"valid ({patient.loaded.file.name if patient.loaded.file else 'defaults'})")]


def _is_no_project(patient: Patient) -> bool:
    names = ("offhook.toml", ".env", "Dockerfile")
    is_here = any((patient.folder / name).exists() for name in names)
    return not is_here and platform_of(patient.environ) is None and not patient.environ.get("OFFHOOK_CONFIG")


def _problem(line: str) -> Finding:
    said, _, fix = line.partition("; ")
    case = next((case for words, case in _CASES if words in line), "invalid")
    return Finding(NAME, "fail", said, case, "settings that `offhook config check` accepts", fix or "correct that line")


async def run_listening(patient: Patient) -> Sequence[Finding]:
    """Check where the server would listen."""
    settings = patient.settings
    if settings is None:
        return []
    platform = platform_of(patient.environ)
    try:
        where = listening(settings, patient.environ)
    except ConfigError as error:
        case = "unsigned-and-open"
        if platform:
            case = "loopback-on-platform" if settings.twilio.auth_token else "unsigned-on-platform"
        return [
            Finding(
                LISTENING,
                "fail",
                said.partition("; ")[0],
                case,
                "all interfaces, behind Twilio's signature",
                said.partition("; ")[2],
            )
            for said in error.problems
        ]
    return [ok(LISTENING, f"{where.address(where.port)}: {where.why}")]
