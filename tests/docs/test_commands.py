"""Every command of the quickstart and of the page on ngrok: run in bash, and right in PowerShell."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter_powershell
import typer.main
from tests.integration.setup.test_dev import NUMBER, OLD, Laptop, laptop
from tests.kit.image import _KEPT
from tests.kit.ngrok_service import ngrok_service
from tests.kit.process import started
from tests.kit.tls import vouched
from tree_sitter import Language, Parser

from offhook.cli.app import COMMANDS, app
from offhook.setup.tunnel.ngrok_codes import MEANINGS

ROOT = Path(__file__).parents[2]
PROJECT = "../src/offhook/setup/project/files/README.md"  # the README of the project that `offhook init` writes
PAGES = ("quickstart.md", "howto/ngrok.md", "howto/railway.md", "howto/elsewhere.md", PROJECT)
BLOCK = re.compile(r"^```(bash|powershell)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: Commands that other tests run as they stand: command → test file.
ELSEWHERE = {
    "python3 -m pip install uv": "tests/docs/test_repository.py",
    "python3 -m uv run offhook demo": "tests/integration/test_demo.py",
    ".venv/bin/offhook railway deploy --repo owner/voice": "tests/docs/test_railway.py",
    ".venv/bin/offhook numbers attach --url https://voice-production.up.railway.app": "tests/docs/test_railway.py",
}


def blocks(page: str) -> list[tuple[str, list[str]]]:
    """Return the shell blocks of a page: shell and commands."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = [(match[1], match[2].splitlines()) for match in BLOCK.finditer(text)]
    return [(shell, [line for line in lines if line and not line.startswith("#")]) for shell, lines in found]


def commands(page: str, shell: str) -> list[str]:
    return [line for kind, lines in blocks(page) for line in lines if kind == shell]


def pairs(page: str) -> list[tuple[list[str], list[str]]]:
    """Return each bash block with the PowerShell block that follows it."""
    found = blocks(page)
    return [
        (lines, found[at + 1][1])
        for at, (shell, lines) in enumerate(found)
        if shell == "bash" and at + 1 < len(found) and found[at + 1][0] == "powershell"
    ]


POWERSHELL = [pytest.param(page, line, id=f"{page}: {line}") for page in PAGES for line in commands(page, "powershell")]


@pytest.mark.parametrize(("page", "line"), POWERSHELL)
def test_powershell_is_powershell(page: str, line: str):
    """What Windows PowerShell 5.1 does not know, or knows otherwise than bash."""
    assert "&&" not in line
    assert "||" not in line
    assert not re.match(r"(export|source|sudo|cp|rm|touch|chmod)\b", line)
    assert not re.match(r"[A-Z_]+=", line), "a variable is $env:NAME = …"
    assert not line.endswith("\\"), "a line goes on with a backtick there"
    assert "/bin/" not in line
    assert not re.search(r"(^|\s)\.{1,2}/", line), "paths have backslashes"
    assert "python3" not in line, "Windows calls it python"
    for name in re.findall(r"\$(\w+)", line):
        assert f"$env:{name}" in line or name == "env", line


@pytest.mark.parametrize(("page", "line"), POWERSHELL)
def test_powershells_grammar_takes_it(page: str, line: str):
    parser = Parser(Language(tree_sitter_powershell.language()))

    assert not parser.parse(f"{line}\n".encode()).root_node.has_error


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="no pwsh on this machine")
@pytest.mark.parametrize(("page", "line"), POWERSHELL)
def test_powershell_itself_reads_it(page: str, line: str):
    parse = (
        "$errors = $null; [void][System.Management.Automation.Language.Parser]::ParseInput("
        "$env:LINE, [ref]$null, [ref]$errors); exit $errors.Count"
    )
    done = subprocess.run(["pwsh", "-NoProfile", "-Command", parse], env={**os.environ, "LINE": line}, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("page", ["quickstart.md", "howto/ngrok.md", "howto/railway.md", PROJECT])
def test_both_shells_do_the_same(page: str):
    """Each bash block has its PowerShell block, with the same commands in the same order."""
    shells = [shell for shell, _ in blocks(page)]
    assert shells == ["bash", "powershell"] * (len(shells) // 2)
    for bash, powershell in pairs(page):
        assert [same(line) for line in bash] == [same(line) for line in powershell]


def same(line: str) -> str:
    """Write a command as neither shell would."""
    known = {
        "[ -e .env ] || install -m 600 .env.example .env": "copy .env",
        "if (-not (Test-Path .env)) { Copy-Item .env.example .env }": "copy .env",
    }
    line = known.get(line, line)
    line = re.sub(r"^export (\w+)=(\S+)$", r"set \1 \2", re.sub(r'^\$env:(\w+) = "(\S+)"$', r"set \1 \2", line))
    return line.replace(".venv\\Scripts\\", ".venv/bin/").replace("..\\", "../").replace("python3 ", "python ")


OURS = sorted({
    line[line.index("offhook ") + len("offhook ") :]
    for page in PAGES
    for line in commands(page, "bash")
    if re.match(r"(\.venv/bin/|python3 -m uv run )?offhook ", line)
})  # fmt: skip


@pytest.mark.parametrize("words", OURS)
def test_every_command_of_ours_is_one_with_options_that_exist(words: str):
    name, *rest = shlex.split(words)
    command = typer.main.get_command(app)
    assert name in COMMANDS
    if name not in command.commands:  # type: ignore[attr-defined]
        pytest.skip(f"`offhook {name}` is not part of this version yet")
    context = command.make_context("offhook", [name, *rest], resilient_parsing=False)
    found = command.commands[name]  # type: ignore[attr-defined]
    while hasattr(found, "commands"):
        found, rest = found.commands[rest[0]], rest[1:]
    found.make_context(name, list(rest), parent=context)


def test_the_codes_on_the_page_are_the_ones_we_explain():
    page = (ROOT / "docs/howto/ngrok.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ERR_NGROK_([\d, ]+) \|", page, re.MULTILINE)
    assert {int(code) for row in rows for code in row.split(",")} == set(MEANINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Anna Müller"
    made.mkdir()
    return made


#: What is typed into `.env`, and the addresses of the stand-ins that only a test needs.
def filled(here: Laptop) -> str:
    return "\n".join(f"{name}={value}" for name, value in here.environ().items() if name != "HOME") + "\n"


async def shell(line: str, folder: Path, home: Path, codes: tuple[int, ...] = (0,)) -> None:
    """Run one line in bash."""
    kept = {name: os.environ[name] for name in (*_KEPT, "PATH") if name in os.environ}
    known = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = await asyncio.create_subprocess_exec(
        *("bash", "-euc", line),
        cwd=folder,
        env={**kept, **known, "HOME": os.environ.get("HOME", str(home))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(600):
        said, _ = await done.communicate()
    assert done.returncode in codes, f"{line}\n{said.decode('utf-8', 'replace')}"
    assert b"Traceback" not in said, line


async def until_ready(line: str, folder: Path, here: Laptop, environ: dict[str, str]) -> None:
    """Run a command that goes on until it is stopped: until it is ready, then Ctrl-C."""
    words = shlex.split(line)
    words[0] = str(folder / words[0])
    path = {"PATH": os.environ["PATH"], "HOME": str(here.folder), "PYTHONUNBUFFERED": "1"}
    async with started(words, folder, {**path, **environ}) as process:
        await process.says("^ready ", 120)
        process.signal(signal.SIGINT)
        assert await process.ends(60) == 0, process.text


@pytest.mark.slow
@pytest.mark.timeout(1200)  # installs packages and starts a dozen programs in turn: minutes, where others are busy
@pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="bash blocks are for bash")
async def test_the_quickstart_and_the_page_on_ngrok_from_the_top(folder: Path):
    """Every bash command in order, in a new folder, with our Twilio, our ngrok and the offline agent."""
    lines = [line for page in ("quickstart.md", "howto/ngrok.md") for line in commands(page, "bash")]
    async with laptop(folder) as here:
        project = folder / "my-agent"
        where = folder / "offhook"
        where.mkdir()
        ran: list[str] = []
        for line in lines:
            if line in ELSEWHERE:
                assert (ROOT / ELSEWHERE[line]).is_file()
            elif line.startswith("cd "):
                where = (where / line.removeprefix("cd ")).resolve()
            elif line.startswith("export "):
                await shell(line, where, folder)
            elif line == ".venv/bin/offhook setup":
                continue  # the wizard's own tests run it from end to end
            elif line.startswith(".venv/bin/offhook dev"):
                await developed(line, where, here)
            elif line == ".venv/bin/offhook doctor":
                await shell(line, where, folder, codes=(0, 1, 2))  # nothing runs now, and that is found
            else:
                uv_run = f"{shlex.quote(sys.executable)} -m offhook"
                await shell(line.replace("python3 -m uv run offhook", uv_run), where, folder)
            if ".env.example" in line:
                (project / ".env").write_text(filled(here))
            ran.append(line)
        assert where == project.resolve()
        assert here.voice_url == OLD
        assert len(ran) > 12


async def developed(line: str, where: Path, here: Laptop) -> None:
    """Run a line with `offhook dev`: as it stands, but for an address, and a service, that only others have."""
    if line.endswith("--restore"):
        await shell(line, where, here.folder)
        return
    if "--url" in line:
        await until_ready(line.replace("https://voice.example.com", here.ngrok.url), where, here, {})
        return
    if line.endswith("--tunnel ngrok"):
        tls, authority = vouched()
        (where / "ca.pem").write_bytes(authority)
        async with ngrok_service(tls) as service:
            known = {"OFFHOOK_DEV__NGROK_SERVER": f"localhost:{service.port}", "OFFHOOK_DEV__NGROK_CA_FILE": "ca.pem"}
            await until_ready(line, where, here, {**known, "NGROK_AUTHTOKEN": "2abc"})
        return
    await until_ready(line, where, here, {})


def test_the_number_in_the_docs_is_the_tests():
    assert NUMBER in (ROOT / "docs/howto/ngrok.md").read_text(encoding="utf-8")
