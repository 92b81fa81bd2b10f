"""Projects that can be deployed to the stand-in: the smallest offhook, and programs that behave in one known way."""

from __future__ import annotations

from pathlib import Path

PROJECT = {
    "Dockerfile": 'FROM python:3.13-slim\nENV PYTHONUNBUFFERED=1\nWORKDIR /app\nCOPY . .\n'
    'CMD ["python", "-m", "offhook", "serve"]\n',
    "offhook.toml": '[agent]\ngreeting = "Hello, this is the deployed agent."\n',
}  # fmt: skip

_SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
    def log_message(self, *_):
        pass
print("up", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


def program(source: str) -> dict[str, str]:
    """Return a project whose Dockerfile runs this Python program."""
    return {"Dockerfile": 'FROM python:3.13-slim\nCMD ["python", "-S", "main.py"]\n', "main.py": source}


def answering(status: int = 200) -> dict[str, str]:
    """Return a project that starts in an instant and answers every GET with this status."""
    return program(_SERVER.replace("{status}", str(status)))


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write a project into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
