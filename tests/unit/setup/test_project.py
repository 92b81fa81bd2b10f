"""`offhook init`: what it writes is valid, whole and the owner's own; what was there stays."""

from __future__ import annotations

import base64
import hashlib
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.kit.image import ignored, steps
from typer.testing import CliRunner

from offhook.cli.app import app, main
from offhook.config.load import load
from offhook.setup.doctor.catalogue import CHECKS
from offhook.setup.doctor.check import run_checks
from offhook.setup.doctor.patient import examine
from offhook.setup.project.wheel import PINS, build_wheel, contents, wheel_name
from offhook.setup.project.write import REQUIREMENTS, TEMPLATES, VENDOR, write_project

NAMES = {name for name, _, _ in TEMPLATES} | {REQUIREMENTS, f"{VENDOR}/{wheel_name()}"}


def everything(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    return tmp_path / "Mein Büro" / "téléphone ☎"


def test_it_writes_a_whole_project_that_the_loader_takes(folder: Path):
    project = write_project(folder)

    assert set(everything(folder)) == NAMES == set(project.made)
    assert (project.problems, project.notes) == ((), ())
    loaded = load(None, {}, None, folder)
    assert loaded.file == folder / "offhook.toml"
    assert loaded.settings.agent.prompt.startswith("You answer the telephone")


def test_a_second_run_changes_nothing(folder: Path):
    write_project(folder)
    (folder / "prompt.md").write_text("Mine.\n")
    before = everything(folder)

    project = write_project(folder)

    assert everything(folder) == before
    assert project.made == []


def test_what_was_there_is_the_owners_and_is_told(folder: Path):
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("My company\n")
    (folder / ".gitignore").write_text("node_modules/\n")
    (folder / "offhook.toml").write_text('[agent]\ngreetin = "Hello"\n')

    project = write_project(folder)

    assert (folder / "README.md").read_text() == "My company\n"
    assert NAMES - set(project.made) == {"README.md", ".gitignore", "offhook.toml"}
    assert any(".gitignore" in note and ".env" in note for note in project.notes)
    assert any("greeting" in problem for problem in project.problems)


def test_upgrade_replaces_ours_and_nothing_else(folder: Path):
    write_project(folder)
    old = folder / VENDOR / "offhook-0.0.1-py3-none-any.whl"
    old.write_bytes(b"old")
    (folder / VENDOR / wheel_name()).write_bytes(b"older build")
    (folder / REQUIREMENTS).write_text("old\n")
    (folder / "Dockerfile").write_text("FROM mine\n")

    project = write_project(folder, upgrade=True)

    assert set(project.made) == {REQUIREMENTS, f"{VENDOR}/{wheel_name()}"}
    assert not old.exists()
    assert zipfile.is_zipfile(folder / VENDOR / wheel_name())
    assert (folder / "Dockerfile").read_text() == "FROM mine\n"


def test_another_version_is_left_with_its_pins_until_an_upgrade(folder: Path):
    write_project(folder)
    (folder / VENDOR / wheel_name()).rename(folder / VENDOR / "offhook-0.0.1-py3-none-any.whl")

    project = write_project(folder)

    assert project.made == []
    assert [wheel.name for wheel in (folder / VENDOR).glob("*.whl")] == ["offhook-0.0.1-py3-none-any.whl"]
    assert any("--upgrade" in note for note in project.notes)


def test_the_owners_own_requirements_and_dockerfile_stay(folder: Path):
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "Dockerfile").write_text("FROM python:3.13\nCMD flask run\n")

    project = write_project(folder)

    assert (folder / "requirements.txt").read_text() == "flask\n"
    assert any("does not start offhook" in note for note in project.notes)


def test_the_wheel_is_whole_and_its_record_true(tmp_path: Path):
    wheel = build_wheel(tmp_path)

    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        info = next(name.partition("/")[0] for name in names if name.endswith("/METADATA"))
        record = dict(line.split(",", 1) for line in archive.read(f"{info}/RECORD").decode().splitlines())
        for name in set(names) - {f"{info}/RECORD"}:
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
            assert record[name] == f"sha256={digest},{len(archive.read(name))}"
        assert set(record) == set(names)
        assert b"offhook = offhook.cli.app:main" in archive.read(f"{info}/entry_points.txt")
    assert {"offhook/py.typed", "offhook/assets/phrases/apology.ulaw", "offhook/cli/app.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".env"))]


def test_the_same_offhook_gives_the_same_wheel(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert build_wheel(tmp_path / "a").read_bytes() == build_wheel(tmp_path / "b").read_bytes()


def test_the_wheel_holds_every_source_file():
    tree = Path(__file__).parents[3] / "src"
    sources = {file.relative_to(tree).as_posix() for file in tree.rglob("*.py")}

    assert sources <= set(contents())


def test_a_wheel_that_the_build_backend_makes_has_the_pins_where_we_look():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert wheel["force-include"] == {"requirements.txt": PINS}


def test_every_requirement_is_pinned_with_hashes(folder: Path):
    write_project(folder)
    text = (folder / REQUIREMENTS).read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry
        assert "==" in str(Requirement(entry.split("--hash")[0].strip()).specifier)


def test_no_secret_reaches_git_or_the_image(folder: Path):
    write_project(folder)

    kept_out = ignored(folder)
    private = (".env", ".env.production", ".offhook/dev.json", "answers.toml", "traces/CA1.jsonl", "out/call.wav")
    for name in (*private, ".venv/bin/python", "a/__pycache__/b.pyc"):
        assert kept_out(Path(name)), name
    for name in ("offhook.toml", "prompt.md", REQUIREMENTS, f"{VENDOR}/{wheel_name()}"):
        assert not kept_out(Path(name)), name
    assert {".env", "answers.toml", "traces/", "out/"} <= set((folder / ".gitignore").read_text().splitlines())


def test_the_dockerfile_starts_one_python_that_is_nobody(folder: Path):
    write_project(folder)
    done = steps((folder / "Dockerfile").read_text())

    assert done[0][0] == "FROM"
    assert ("USER", "10001") in done
    assert done[-1] == ("CMD", '["python", "-m", "offhook", "serve"]')
    assert any("--require-hashes" in rest for word, rest in done if word == "RUN")


async def test_the_doctor_finds_the_project_sound(folder: Path):
    write_project(folder)
    (folder / ".env").write_text((folder / ".env.example").read_text())
    keys = {"DEEPGRAM_API_KEY": "0123456789abcdef" * 2 + "01234567", "TWILIO_AUTH_TOKEN": "fedcba9876543210" * 2}
    keys |= {"TWILIO_ACCOUNT_SID": "AC" + "0" * 31 + "1", "OFFHOOK_PUBLIC_URL": "https://voice.example.com"}

    findings = await run_checks(CHECKS, examine(folder, keys))

    assert [(f.check, f.cause, f.found) for f in findings if f.verdict in ("warn", "fail")] == []


def test_what_it_wrote_passes_config_check(folder: Path, monkeypatch: pytest.MonkeyPatch):
    runner = CliRunner()
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    monkeypatch.chdir(folder)

    checked = runner.invoke(app, ["config", "check", "--no-probe"], env={"OFFHOOK_CONFIG": ""})

    assert checked.exit_code == 0, checked.output


def test_it_says_how_to_go_on_in_commands_that_the_projects_readme_has(folder: Path, monkeypatch: pytest.MonkeyPatch):
    folder.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder.parent)
    said = CliRunner().invoke(app, ["init", folder.name]).stdout
    shell = "powershell" if sys.platform == "win32" else "bash"
    text = (folder / "README.md").read_text(encoding="utf-8")
    commands = text.split(f"```{shell}\n")[1].split("```")[0].splitlines()
    assert f'cd "{folder.name}"' in said
    assert [line for line in commands[:3] if line not in said] == []
    (folder / ".venv").mkdir()
    assert "venv .venv" not in CliRunner().invoke(app, ["init", folder.name]).stdout


def test_a_folder_that_is_a_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setattr(sys, "argv", ["offhook", "init", str(tmp_path / "taken")])
    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "taken" in said
    assert "Traceback" not in said


def test_nothing_half_written_is_kept_as_if_it_were_the_owners(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Stopped while the wheel is packed: the next run writes it, whole."""

    def stopped(*_: object) -> dict[str, bytes]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("offhook.setup.project.wheel.contents", stopped)
        with pytest.raises(KeyboardInterrupt):
            write_project(folder)
    assert not (folder / VENDOR / wheel_name()).exists()

    write_project(folder)

    assert zipfile.is_zipfile(folder / VENDOR / wheel_name())
    assert set(everything(folder)) == NAMES
