"""A question that is asked while a loop runs: answered, or ended by Ctrl-C at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

PROGRAM = """
import typer
from offhook.cli.running import confirm, run_loop

async def ask() -> None:
    typer.echo("yes" if confirm("Do this?") else "no")

app = typer.Typer()

@app.command()
def main() -> None:
    run_loop(ask())

app()
"""


async def asked() -> asyncio.subprocess.Process:
    """Start a program that asks; return it when the question stands there."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    await process.stdout.readuntil(b"[y/N]:")
    return process


@pytest.mark.skipif(os.name == "nt", reason="a Ctrl-C is sent as POSIX has it")
async def test_ctrl_c_ends_it_although_nobody_has_answered():
    process = await asked()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        assert await process.wait() == 130  # its input is open still: there is no answer
    assert process.stdin is not None
    process.stdin.close()
    await process.communicate()


@pytest.mark.parametrize(("typed", "said"), [(b"y\n", b"yes"), (b"\n", b"no")])
async def test_an_answer_is_taken(typed: bytes, said: bytes):
    process = await asked()
    async with asyncio.timeout(60):
        out, _ = await process.communicate(typed)
    assert (process.returncode, out.split()) == (0, [said])
