"""The wizard's own files: `.env` line by line, the answers, what is remembered. Nothing else in them is touched."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.files import read_dotenv
from offhook.errors import ConfigError, SetupError
from offhook.setup.wizard import dotenv, keys
from offhook.setup.wizard.answers import KEYS, read_answers
from offhook.setup.wizard.files import write_private
from offhook.setup.wizard.state import FILE, State, read_state, write_state

VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("Büro 1")


@given(value=VALUES, other=VALUES)
def test_what_is_put_into_env_is_read_back(folder: Path, value: str, other: str):
    (folder / ".env").write_text("# mine\nexport KEPT=1\nONE=old\n\nONE=older\n", encoding="utf-8")
    dotenv.put(folder, {"ONE": value, "TWO": other})
    assert read_dotenv(folder / ".env") == ({"KEPT": "1", "ONE": value, "TWO": other}, [])
    dotenv.drop(folder, {"ONE"})
    assert read_dotenv(folder / ".env") == ({"KEPT": "1", "TWO": other}, [])
    assert (folder / ".env").read_text(encoding="utf-8").startswith("# mine\nexport KEPT=1\n")


def test_an_env_of_powershell_is_taken_over(tmp_path: Path):
    (tmp_path / ".env").write_text("ONE=1\r\nTWO=2\r\n", encoding="utf-16")
    dotenv.put(tmp_path, {"TWO": "3"})
    assert (tmp_path / ".env").read_bytes() == b"ONE=1\nTWO=3\n"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_both_files_are_for_the_owner_only(tmp_path: Path):
    dotenv.put(tmp_path, {"ONE": "1"})
    write_state(tmp_path, State(place="railway"))
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (".env", FILE)] == [0o600, 0o600]


def test_what_is_remembered_comes_back(tmp_path: Path):
    assert read_state(tmp_path) == State()
    known = State("PN1", "railway", "https://a.example.com", by_hand=True, repository="a/b", heard="x")
    write_state(tmp_path, known)
    assert read_state(tmp_path) == known


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"choices": 1}', '{"choices": {"place": "moon"}}', '{"choices": {"url": 1}}', "<html>", "\x00"],
)
def test_a_file_that_is_not_ours_is_named_with_the_fix(tmp_path: Path, text: str):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match="delete it"):
        read_state(tmp_path)


def test_a_newer_file_with_more_in_it_is_read(tmp_path: Path):
    (tmp_path / FILE).write_text(json.dumps({"version": 2, "choices": {"url": "u", "new": [1]}}), encoding="utf-8")
    assert read_state(tmp_path).url == "u"


def test_every_problem_of_the_answers_is_told_at_once_and_no_value(tmp_path: Path):
    file = tmp_path / "answers.toml"
    file.write_text(
        'numbr = "+1-secret"\nplace = "moon"\ncall_s = 0\nagree = "yes"\ntake = ["all"]\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError) as wrong:
        read_answers(file)
    text = "\n".join(wrong.value.problems)
    assert len(wrong.value.problems) == 5
    assert "did you mean number?" in text
    assert "secret" not in text
    assert "moon" not in text


def test_all_answers_together_are_good(tmp_path: Path):
    words = {str: '"x"', bool: "true", int: "1", list: "[]"}
    lines = [f"{key} = {words[kind]}" for key, (kind, _) in KEYS.items() if key != "place"]
    (tmp_path / "a.toml").write_text("\n".join([*lines, 'place = "url"']), encoding="utf-8")
    assert set(read_answers(tmp_path / "a.toml")) == set(KEYS)


def test_an_answers_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ConfigError, match="does not exist"):
        read_answers(tmp_path / "none.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_what_a_killed_run_left_half_written_is_gone_and_nothing_of_it_stays(tmp_path: Path):
    left = tmp_path / ".env.part"
    left.write_text("ONE=half of a k", encoding="utf-8")
    left.chmod(0o644)
    dotenv.put(tmp_path, {"TWO": "2"})
    assert [file.name for file in tmp_path.iterdir()] == [".env"]
    assert (tmp_path / ".env").read_text(encoding="utf-8") == "TWO=2\n"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_folder_that_cannot_be_written_is_said_so_and_left_as_it_is(tmp_path: Path):
    (tmp_path / ".env").mkdir()
    with pytest.raises(SetupError, match=r"\.env"):
        write_private(tmp_path / ".env", "ONE=1\n")
    assert [file.name for file in tmp_path.iterdir()] == [".env"]


@pytest.mark.parametrize(
    ("names", "asks"),
    [
        ((), False),
        (("desktop.ini", ".DS_Store", ".git"), False),
        (("holiday.jpg",), True),
        (("README.md", "server.py"), True),
        (("holiday.jpg", "offhook.toml"), False),
    ],
)
def test_only_a_folder_with_other_peoples_things_is_asked_about(tmp_path: Path, names: tuple[str, ...], asks: bool):
    for name in names:
        (tmp_path / name).write_text("")

    assert keys._is_anothers(tmp_path) == asks
    assert not keys._is_anothers(tmp_path / "new")
