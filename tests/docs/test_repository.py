"""Every file: no machine's path, no registry's name, links that lead somewhere, modules that say what they are."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
#: The two commands of the README, the same in bash and PowerShell.
COMMANDS = (
    "python -m pip install uv; python -m uv run offhook demo",
    "python -m pip install uv; python -m uv run pytest",
)
#: The words of the code, each with one meaning.
VOCABULARY = (
    "call", "stream", "leg", "frame", "caller audio", "agent audio", "inbound", "outbound", "turn", "utterance",
    "barge-in", "clear", "mark", "heard", "unheard", "dial", "hang up", "hangup cause", "admission", "at capacity",
    "drain", "call record", "deadline", "watchdog", "admit", "answer", "bridge",
)  # fmt: skip


def tracked() -> list[Path]:
    """Return every file under version control, or the files of the source tree where there is none."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for file in tracked():
        try:
            found.append((file, file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            assert file.suffix not in {".py", ".md", ".toml", ".txt", ".json", ".html"}, f"{file} is not UTF-8"
    return found


def _registry_hosts() -> set[str]:
    """Return the hosts packages come from on this machine, and the public one (never written out here)."""
    hosts = {f"{first}{second}.org" for first, second in (("py", "pi"), ("python", "hosted"))}
    sources = [os.environ.get(name, "") for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL")]
    home = Path.home()
    files = ("/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf", home / ".config/uv/uv.toml")
    sources += [Path(file).read_text(encoding="utf-8") for file in files if Path(file).is_file()]
    for text in sources:
        hosts |= set(re.findall(r"https?://(?:[^/@\s]*@)?([\w.-]+)", text))
    return hosts - {"localhost", "127.0.0.1"}


def test_no_file_names_a_package_registry():
    hosts = _registry_hosts()

    assert [(str(file), host) for file, text in texts() for host in hosts if host in text] == []


def test_no_file_has_a_path_of_somebodys_machine():
    roots = "|".join(("ho" + "me", "Us" + "ers", "ro" + "ot", "wo" + "rk"))
    path = re.compile(rf"(?<![\w.~/<>$}}*-])/(?:{roots})/\w|[A-Z]:\\\\?Users\\\\?\w")

    assert [(str(file.relative_to(ROOT)), found[0]) for file, text in texts() for found in path.finditer(text)] == []


def test_every_relative_link_leads_to_a_file():
    broken = [(page, target) for page, target in relative_links() if not target_of(page, target).exists()]

    assert broken == []


def test_every_link_to_a_heading_leads_to_one():
    broken = []
    for page, target in relative_links():
        file, anchor = target_of(page, target), target.partition("#")[2]
        if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append((str(page.relative_to(ROOT)), target))

    assert broken == []


def relative_links() -> list[tuple[Path, str]]:
    """Return every link of a page that does not name another site: page and target."""
    found = []
    for page, text in texts():
        if page.suffix == ".md":
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
            found += [(page, target) for target in re.findall(r"\]\(([^)\s]+)\)", prose)]
    return [(page, target) for page, target in found if not re.match(r"[a-z]+:", target)]


def target_of(page: Path, target: str) -> Path:
    bare = unquote(target.partition("#")[0])
    return page.parent / bare if bare else page


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    bare = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "") for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in bare}


def test_every_module_says_in_its_first_line_what_it_is():
    silent = []
    for file in sorted((ROOT / "src").rglob("*.py")):
        doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        if not doc or not doc.splitlines()[0].rstrip().endswith((".", ":")):
            silent.append(str(file.relative_to(ROOT)))

    assert silent == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_has_its_two_commands(command):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("word", VOCABULARY)
def test_the_glossary_explains_every_word_of_the_code(word):
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    headwords = {
        part.strip().lower()
        for entry in re.findall(r"^\*\*(.+?)\*\*", glossary, re.MULTILINE)
        for part in entry.split(",")
    }

    assert word in headwords
