"""Times, days, names and numbers as callers say them and as the recogniser writes them."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files

import pytest

from offhook.offline.speech.dialogue.business import Business, business_from
from offhook.offline.speech.dialogue.days import day_in
from offhook.offline.speech.dialogue.names import name_in, number_in
from offhook.offline.speech.dialogue.numbers import digits_in, read_aloud, with_figures
from offhook.offline.speech.dialogue.times import time_in

MONDAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("3:30", "15:30"),
        ("half past three", "15:30"),
        ("at 330 please", "15:30"),
        ("next Friday at three thirty", "15:30"),
        ("quarter to five", "16:45"),
        ("a quarter past nine", "09:15"),
        ("twenty past four", "16:20"),
        ("ten to eleven", "10:50"),
        ("at 9", "09:00"),
        ("at ten am", "10:00"),
        ("at 2 p.m.", "14:00"),
        ("4 in the afternoon", "16:00"),
        ("eight o'clock in the evening", "20:00"),
        ("14:45", "14:45"),
        ("noon", "12:00"),
        ("half two", "14:30"),
        ("quarter of five", "16:45"),
        ("12 pm", "12:00"),
        ("12 am", "00:00"),
    ],
)
def test_a_time_is_found(said: str, iso: str) -> None:
    found = time_in(said)
    assert found is not None
    assert found.iso == iso


@pytest.mark.parametrize(
    ("said", "iso"), [("330", "15:30"), ("three thirty", "15:30"), ("ten", "10:00"), ("five oh five", "17:05")]
)
def test_a_bare_number_is_a_time_only_where_one_was_asked_for(said: str, iso: str) -> None:
    assert time_in(said) is None
    found = time_in(said, is_expected=True)
    assert found is not None
    assert found.iso == iso


@pytest.mark.parametrize(
    "said", ["The 25th of March", "my number is 415 555 0132", "hello", "", "room 99", "from 9 to 5"]
)
def test_no_time(said: str) -> None:
    assert time_in(said) is None


def test_a_telephone_number_is_no_time_even_where_one_was_asked_for() -> None:
    assert time_in("my number is 415 555 0132", is_expected=True) is None


@pytest.mark.parametrize(
    ("said", "date", "spoken", "on"),
    [
        ("tomorrow", "2026-11-24", "tomorrow", "tomorrow"),
        ("the day after tomorrow", "2026-11-25", "the day after tomorrow", "the day after tomorrow"),
        ("Friday", "2026-11-27", "Friday", "on Friday"),
        ("next Friday", "2026-12-04", "next Friday", "next Friday"),
        ("this Wednesday", "2026-11-25", "this Wednesday", "this Wednesday"),
        ("Monday", "2026-11-30", "Monday", "on Monday"),
        ("the third of March", "2027-03-03", "March 3", "on March 3"),
        ("March 3rd", "2027-03-03", "March 3", "on March 3"),
        ("the 25th", "2026-11-25", "November 25", "on November 25"),
        ("the twenty-fifth", "2026-11-25", "November 25", "on November 25"),
        ("in two weeks", "2026-12-07", "in 2 weeks", "in 2 weeks"),
        ("this afternoon", "2026-11-23", "today", "today"),
        ("Monday the seventh", "2026-12-07", "Monday, December 7", "on Monday, December 7"),
        ("Tuesday the seventh", "2026-12-07", "December 7", "on December 7"),
        ("a week from Friday", "2026-12-04", "a week from Friday", "a week from Friday"),
        ("in a fortnight", "2026-12-07", "in a fortnight", "in a fortnight"),
        ("3rd of Dec.", "2026-12-03", "December 3", "on December 3"),
    ],
)
def test_a_day_is_found(said: str, date: str, spoken: str, on: str) -> None:
    found = day_in(said, MONDAY)
    assert found is not None
    assert (found.date.isoformat(), found.spoken, found.on) == (date, spoken, on)


@pytest.mark.parametrize(
    "said", ["", "at 3", "February 30", "Saturn is big", "the money", "the first name is Linh", "the second one"]
)
def test_no_day(said: str) -> None:
    assert day_in(said, MONDAY) is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("My name is Alice Brown.", "Alice Brown"),
        ("It's Alice.", "Alice"),
        ("yes, this is Bob O'Hara", "Bob O'Hara"),
        ("S-M-I-T-H", "Smith"),
        ("My last name is S M I T H", "Smith"),
        ("In the name of Peter Miller, please", "Peter Miller"),
        ("I'm looking for a dentist", None),
        ("for next Friday", None),
        ("I would like a cleaning", None),
        ("It's about my appointment", None),
        ("Alice Brown", None),
        ("That's A D A M S K I", "Adamski"),
        ("Jon Smith, it's Jon Smyth, S M Y T H", "Jon Smyth"),
        ("It's for my son, Tommy Lee.", "Tommy Lee"),
        ("My name is April Jones.", "April Jones"),
        ("This is Dr. Zoë Müller", "Zoë Müller"),
        ("It's under Margaret Thatcher-Jones", "Margaret Thatcher-Jones"),
    ],
)
def test_a_name_is_found(said: str, name: str | None) -> None:
    assert name_in(said) == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Alice Brown", "Alice Brown"),
        ("um, Nguyen", "Nguyen"),
        ("Sure, alice", "Alice"),
        ("No", None),
        ("3", None),
        ("Ludwig van Beethoven", "Ludwig van Beethoven"),
        ("Bond, James Bond.", "James Bond"),
        ("Mrs. Featherstone", "Featherstone"),
        ("Mike Tyson, 415 555 0199", "Mike Tyson"),
        ("Wait, actually, could we do the fourth instead?", None),
        ("Please let them know I am allergic to nuts.", None),
        ("double oh seven", None),
    ],
)
def test_the_whole_answer_is_a_name_where_one_was_asked_for(said: str, name: str | None) -> None:
    assert name_in(said, is_expected=True) == name


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("415-555-0132", "4155550132"),
        ("four one five, double five five, oh one three two", "4155550132"),
        ("four hundred, fifteen, five hundred, fifty, five, oh one thirty two", "4155550132"),
        ("triple seven, twenty, twenty one", "7772021"),
        ("nothing here", ""),
    ],
)
def test_digits_read_aloud_are_found(said: str, digits: str) -> None:
    assert digits_in(said) == digits


def test_too_few_digits_are_no_telephone_number() -> None:
    assert number_in("at 3:30") is None
    assert number_in("020 7946 0123") == "02079460123"


def test_digits_are_read_back_in_groups() -> None:
    assert read_aloud("4155550132") == "4 1 5, 5 5 5, 0 1 3 2"
    assert read_aloud("1234") == "1 2 3 4"


def test_a_digit_that_is_no_number_is_none() -> None:
    assert with_figures("m²") == "m²"
    assert with_figures("²") == "²"
    assert digits_in("² ③ 4") == "4"


def test_number_words_become_figures() -> None:
    assert with_figures("Twenty-five, or three thirty?") == "25, or 3 30?"


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ("daily 9am to 5pm", ["We are open Monday to Sunday from 9 in the morning until 5 in the afternoon."]),
        (
            "weekdays 6-14",
            [
                "We are open Monday to Friday from 6 in the morning until 2 in the afternoon.",
                "We are closed on Saturdays and Sundays.",
            ],
        ),
        (
            "Tue & Thu: 10-8",
            [
                "We are open Tuesday from 10 in the morning until 8 in the evening.",
                "On Thursday we are open from 10 in the morning until 8 in the evening.",
                "We are closed on Mondays and Wednesdays and Fridays and Saturdays and Sundays.",
            ],
        ),
    ],
)
def test_hours_are_read_from_the_prompt(hours: str, said: list[str]) -> None:
    assert business_from(f"Hours: {hours}").all_week() == said


def test_an_empty_prompt_is_the_practice_that_does_not_exist() -> None:
    assert business_from("") == Business()


def test_facts_are_read_from_the_sentences_of_the_prompt_that_init_writes() -> None:
    prompt = files("offhook.setup.project").joinpath("files", "prompt.md").read_text(encoding="utf-8")
    read = business_from(prompt)
    assert read.name == "Larkfield Dental"
    assert read.address == "14 Willow Street, across from the public library"
    assert dict(read.week) == dict(Business().week)


def test_the_name_comes_from_the_greeting_where_the_prompt_has_none() -> None:
    assert business_from("Be kind.", "Thank you for calling Green Door, how can I help?").name == "Green Door"
