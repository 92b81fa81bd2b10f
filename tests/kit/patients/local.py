"""Set-ups that are broken on this very machine: files, settings, image. No network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.patients.seed import API_KEY, Arrange, Arranged, Seed, keys, written

DOCKERFILE = 'FROM python:3.13-slim\nENV PYTHONUNBUFFERED=1\nCMD ["python", "-m", "offhook", "serve"]\n'
PAGE = "<!DOCTYPE html>\n<html><body>404</body></html>\n"


def in_git(*, add: bool) -> Arrange:
    """Arrange a repository with a `.env` that is committed, or that nothing ignores."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        (folder / ".env").write_text("DEEPGRAM_API_KEY=\n")
        await _git(folder, "init", "-q")
        if add:
            await _git(folder, "add", ".env")
        yield Arranged(keys())

    return arrange


@asynccontextmanager
async def _not_pushed(folder: Path) -> AsyncIterator[Arranged]:
    """Arrange a repository with a home at GitHub, where the wheel was never added: somebody's git ignores *.whl."""
    (folder / "vendor").mkdir()
    for name in ("offhook.toml", "vendor/offhook-1.0-py3-none-any.whl"):
        (folder / name).write_text("")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    await _git(folder, "init", "-q")
    await _git(folder, "remote", "add", "origin", "https://github.com/ann/my-agent.git")
    await _git(folder, "add", "Dockerfile", "offhook.toml")
    yield Arranged(keys())


async def _git(folder: Path, *words: str) -> None:
    git = await asyncio.create_subprocess_exec("git", "-C", str(folder), "-c", "init.defaultBranch=main", *words)
    assert await git.wait() == 0


def _settings(words: str, cause: str, fix: str, **environ: str) -> Seed:
    return Seed(words, "settings", cause, fix, written({}, **environ))


def _file(words: str, cause: str, fix: str, name: str, content: str | bytes) -> Seed:
    return Seed(words, "files", cause, fix, written({name: content}))


UTF16 = "import os\n".encode("utf-16")
LOCAL = [
    _file("requirements.txt of PowerShell's >", "encoding", "UTF-8", "requirements.txt", UTF16),
    _file("tools.py of PowerShell's >", "encoding", "UTF-8", "tools.py", UTF16),
    _file("Dockerfile.txt of Notepad", "hidden-ending", "rename", "Dockerfile.txt", DOCKERFILE),
    _file("offhook.toml.txt of Notepad", "hidden-ending", "rename", "offhook.toml.txt", "[agent]\n"),
    _settings("an address that nothing has filled in", "unfilled", "like", OFFHOOK_PUBLIC_URL="https://${DOMAIN}"),
    _settings("the port is called $PORT", "unfilled", "leave it away", PORT="$PORT"),
    _settings("a folder without a project", "no-project", "offhook doctor DIR", DEEPGRAM_API_KEY=""),
    Seed(
        "the key has another name",
        "settings",
        "note",
        "DEEPGRAM_API_KEY",
        written({".env": f"DEEPGRAM_KEY={API_KEY}\n"}, DEEPGRAM_API_KEY=""),
        "warn",
    ),
    Seed(
        "a line of PowerShell in .env",
        "settings",
        "invalid",
        "correct",
        written({".env": f'$env:DEEPGRAM_API_KEY="{API_KEY}"\n'}, DEEPGRAM_API_KEY=""),
    ),
    Seed(
        "a path of Windows in offhook.toml",
        "settings",
        "not-toml",
        "single quotes",
        written({"offhook.toml": '[agent]\nprompt_file = "D:\\agent\\prompt.md"\n'}),
    ),
    Seed(
        "an old key in the environment",
        "secrets",
        "env-shadowed",
        "remove it from the environment",
        written({".env": f"DEEPGRAM_API_KEY={'f' * 40}\n"}),
        "warn",
    ),
    Seed(
        "a real key in .env.example",
        "secrets",
        "key-in-example",
        "new key",
        written({".env.example": f"DEEPGRAM_API_KEY={API_KEY}\n"}),
    ),
    Seed(
        "the image has an old Python",
        "image",
        "python-old",
        "FROM python:3.13-slim",
        written({"offhook.toml": "", "Dockerfile": DOCKERFILE.replace("3.13", "3.9")}),
    ),
    Seed(
        "the image starts something else",
        "image",
        "other-command",
        "offhook",
        written({"offhook.toml": "", "Dockerfile": DOCKERFILE.replace('"-m", "offhook", "serve"', '"server.py"')}),
        "warn",
    ),
    Seed("the wheel is not in git", "image", "not-in-git", "git add -f vendor/offhook-1.0", _not_pushed, "warn"),
    Seed(
        "the image wants files that are not here",
        "image",
        "copy-missing",
        "offhook init",
        written({"offhook.toml": "", "Dockerfile": DOCKERFILE.replace("CMD", "COPY vendor ./vendor\nCMD")}),
    ),
    _file("requirements.txt is a saved web page", "web-page", "offhook init", "requirements.txt", PAGE),
    _file("tools.py is a saved web page", "web-page", "offhook init", "tools.py", PAGE),
    _file("a Python file has a bare line of dots", "elision", "shortened copy", "tools.py", "import os\n...\nx = 1\n"),
    _file(
        "a Python file says `# ... rest of the code`",
        "elision",
        "shortened copy",
        "server.py",
        "import os\n# ... rest of the code\n",
    ),
    _file("requirements.txt has an elision", "elision", "shortened copy", "requirements.txt", "aiohttp==3.14\n...\n"),
    _file(
        "a merge conflict was committed",
        "merge-conflict",
        "keep one side",
        "tools.py",
        "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> other\n",
    ),
    _file("a stray letter in a Python file", "syntax", "stray letter", "tools.py", "import os\n a\n"),
    _file("dockerfile spelled small", "dockerfile-spelling", "git mv", "dockerfile", DOCKERFILE),
    _settings("no Deepgram key", "missing", "Deepgram console", DEEPGRAM_API_KEY=""),
    _settings("no Twilio token", "missing", "Account Info", TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID=""),
    _settings("placeholder key", "placeholder", "copy the real one", DEEPGRAM_API_KEY="your_api_key_here"),
    _settings("key in quotes", "malformed", "remove the quotes", DEEPGRAM_API_KEY='"0123456789abcdef"'),
    _settings("key with `Token ` before it", "malformed", "only the key", DEEPGRAM_API_KEY="Token 0123456789abcdef"),
    _settings("OpenAI key for Deepgram", "wrong-vendor", "Deepgram console", DEEPGRAM_API_KEY="sk-proj-abc"),
    _settings("API key SID for the account", "wrong-vendor", "Account Info", TWILIO_ACCOUNT_SID="SK" + "0" * 32),
    _settings("token without account", "incomplete", "TWILIO_ACCOUNT_SID", TWILIO_ACCOUNT_SID=""),
    Seed(
        "a misspelt key in offhook.toml",
        "settings",
        "unknown-key",
        "greeting",
        written({"offhook.toml": '[agent]\ngreetin = "Hello"\n'}),
    ),
    Seed("offhook.toml is a saved web page", "settings", "web-page", "text editor", written({"offhook.toml": PAGE})),
    Seed(
        ".env.txt instead of .env", "secrets", "env-not-loaded", "rename", written({".env.txt": "DEEPGRAM_API_KEY=\n"})
    ),
    Seed(".env is in git", "secrets", "env-committed", "git rm --cached", in_git(add=True)),
    Seed(
        ".env is not ignored by git",
        "secrets",
        "env-not-ignored",
        ".gitignore",
        in_git(add=False),
        "warn",
    ),
    Seed(
        ".env would go into the image",
        "secrets",
        "env-in-image",
        ".dockerignore",
        written({".env": "", "Dockerfile": DOCKERFILE}),
        "warn",
    ),
    Seed(
        "loopback on a platform",
        "listening",
        "loopback-on-platform",
        "0.0.0.0",
        written({}, OFFHOOK_SERVER__HOST="127.0.0.1", RAILWAY_PROJECT_ID="p", PORT="8080"),
    ),
    Seed(
        "a platform, but no token",
        "listening",
        "unsigned-on-platform",
        "TWILIO_AUTH_TOKEN",
        written({}, TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="", RAILWAY_PROJECT_ID="p"),
    ),
    Seed(
        "open to all without a token",
        "listening",
        "unsigned-and-open",
        "set the token",
        written({}, TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="", OFFHOOK_SERVER__HOST="0.0.0.0"),
    ),
    Seed(
        "two ports that contradict each other",
        "settings",
        "contradiction",
        "remove one",
        written({}, PORT="8080", OFFHOOK_SERVER__PORT="5000"),
    ),
    Seed(
        "a project without Dockerfile",
        "image",
        "no-dockerfile",
        "offhook init",
        written({"offhook.toml": ""}),
        "warn",
    ),
    Seed(
        "a railway.json is relied on",
        "image",
        "railway-json",
        "offhook setup",
        written({"railway.json": "{}", "Dockerfile": DOCKERFILE}),
        "warn",
    ),
    Seed(
        "$PORT in an exec-form command",
        "image",
        "literal-port",
        "offhook reads PORT",
        written({"Dockerfile": DOCKERFILE.replace('"serve"', '"serve", "--port", "$PORT"')}),
    ),
    Seed(
        "a wrapper swallows SIGTERM",
        "image",
        "wrapper",
        "CMD",
        written({"Dockerfile": DOCKERFILE.replace('["python",', '["uv", "run", "python",')}),
        "warn",
    ),
    Seed(
        "output is buffered",
        "image",
        "buffered",
        "PYTHONUNBUFFERED",
        written({"Dockerfile": DOCKERFILE.replace("ENV PYTHONUNBUFFERED=1\n", "")}),
        "warn",
    ),
]
