"""The receptionist word for word: conversations as tables. Monday, 23 November 2026, five past ten."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence

import pytest

from offhook.offline.ports import Called, CallFunctions, Conversation, FunctionSpec, Said, Say
from offhook.offline.speech.dialogue.receptionist import Receptionist

Lines = list[tuple[str, list[str]]]

MONDAY = dt.datetime(2026, 11, 23, 10, 5, tzinfo=dt.UTC)
HOURS = [
    "We are open Monday to Friday from 8:30 in the morning until 6 in the evening.",
    "On Saturday we are open from 9 in the morning until 1 in the afternoon.",
    "We are closed on Sundays.",
]
ADDRESS = [
    "You find us at 14 Willow Street, across from the public library, and there is free parking behind the house."
]
BYE = ["Thank you for calling Larkfield Dental.", "Goodbye!"]
MORE = "Is there anything else I can help you with?"
CAPABILITIES = (
    "I can tell you our opening hours and our address, book, move or cancel an appointment, or take a message."
)


class Caller:
    """Talks to a receptionist and keeps the conversation as the turn engine would."""

    def __init__(
        self,
        functions: Sequence[FunctionSpec] = (),
        results: Mapping[str, str] | None = None,
        prompt: str = "",
        greeting: str = "Hello! How can I help you today?",
    ) -> None:
        self.brain = Receptionist(lambda: MONDAY)
        self.conversation = Conversation(prompt=prompt, greeting=greeting, functions=functions)
        self.results = results or {}
        self.calls: list[tuple[str, dict[str, object]]] = []

    async def says(self, text: str) -> list[str]:
        self.conversation.history.append(Said("user", text))
        heard: list[str] = []
        for _ in range(5):
            wanted = None
            async for action in self.brain.reply(self.conversation):
                match action:
                    case Say(sentence):
                        heard.append(sentence)
                        self.conversation.history.append(Said("assistant", sentence))
                    case CallFunctions(calls):
                        wanted = calls
            if wanted is None:
                return heard
            for call in wanted:
                self.calls.append((call.name, json.loads(call.arguments)))
                result = self.results.get(call.name, '{"ok": true}')
                self.conversation.history.append(Called(call.id, call.name, call.arguments, result))
        raise AssertionError("calls without end")

    def interrupts(self, sentence: str) -> None:
        """Mark ``sentence`` as cut off; what came after it was never said."""
        history = self.conversation.history
        at = next(i for i in reversed(range(len(history))) if getattr(history[i], "content", None) == sentence)
        history[at:] = [Said("assistant", sentence, interrupted=True)]


CONVERSATIONS: dict[str, Lines] = {
    "the demo": [
        ("Hi, what are your opening hours?", HOURS),
        ("Sorry, I only need Saturday.", [HOURS[1]]),
        ("And where are you?", ADDRESS),
        (
            "I'd like to book an appointment for next Friday at 330. My name is Alice Brown.",
            [
                (
                    "So that is an appointment next Friday at 3:30 in the afternoon, in the name of Alice Brown. "
                    "Is that right?"
                )
            ],
        ),
        (
            "Yes, that's right. Thank you, goodbye.",
            ["Your appointment is booked for next Friday at 3:30 in the afternoon.", *BYE],
        ),
    ],
    "a booking, step by step, with corrections": [
        ("Can I book an appointment?", ["I can book that for you.", "What day would suit you?"]),
        ("Tomorrow.", ["All right, tomorrow.", "What time would you like?"]),
        ("Is there parking?", [*ADDRESS, "What time would you like?"]),
        (
            "half past seven in the evening",
            [
                "I am sorry, on Tuesday we are open from 8:30 in the morning until 6 in the evening.",
                "What time would you like?",
            ],
        ),
        ("half past three", ["All right, at 3:30 in the afternoon.", "What name should I put down?"]),
        (
            "It's Bob.",
            ["So that is an appointment tomorrow at 3:30 in the afternoon, in the name of Bob. Is that right?"],
        ),
        ("No, the time is wrong.", ["I see.", "What time would you like?"]),
        (
            "at ten",
            ["So that is an appointment tomorrow at 10 in the morning, in the name of Bob. Is that right?"],
        ),
        (
            "No, Thursday.",
            [
                "I see.",
                "So that is an appointment on Thursday at 10 in the morning, in the name of Bob. Is that right?",
            ],
        ),
        ("Yes, please.", ["Your appointment is booked for Thursday at 10 in the morning.", MORE]),
        (
            "Actually, make it Wednesday.",
            ["So I move the appointment of Bob to Wednesday at 10 in the morning. Is that right?"],
        ),
        ("Yes.", ["Your appointment is now on Wednesday at 10 in the morning.", MORE]),
        ("No, thanks.", BYE),
    ],
    "closed days and a changed mind": [
        (
            "I need an appointment on Sunday.",
            ["I am sorry, we are closed on Sundays.", "What day would suit you?"],
        ),
        ("Then Saturday.", ["All right, Saturday.", "What time would you like?"]),
        ("Never mind.", ["All right, I have dropped that.", "What else can I do for you?"]),
        ("Bye.", BYE),
    ],
    "moving and cancelling": [
        (
            "I want to reschedule my appointment. This is Carol White.",
            ["I can move that for you.", "What day would you like instead?"],
        ),
        ("Monday at nine.", ["So I move the appointment of Carol White to Monday at 9 in the morning. Is that right?"]),
        ("That's right.", ["Your appointment is now on Monday at 9 in the morning.", MORE]),
        (
            "Cancel my appointment on Monday, please.",
            ["So I cancel the appointment of Carol White on Monday. Is that right?"],
        ),
        ("Correct.", ["Your appointment on Monday is cancelled.", MORE]),
        ("That's all, thanks.", BYE),
    ],
    "a message": [
        ("Can I leave a message?", ["I am happy to take a message.", "What is the message?"]),
        ("Please call me about the invoice.", ["I have noted that.", "And what is your name?"]),
        ("Peter Miller.", ["Thank you, Peter Miller.", "What number can we reach you at?"]),
        ("Um, four one five.", ["Sorry, I did not catch that.", "Please tell me your phone number, digit by digit."]),
        (
            "415-555, oh one double two.",
            [
                (
                    "So the message from Peter Miller is: Please call me about the invoice. "
                    "And your number is 4 1 5, 5 5 5, 0 1 2 2. Is that right?"
                )
            ],
        ),
        ("No.", ["Sorry about that. What should I change: the name, the number or the message?"]),
        ("The number.", ["I see.", "What number can we reach you at?"]),
        (
            "My number is four hundred, fifteen, five hundred, fifty, five, oh one thirty two.",
            [
                (
                    "So the message from Peter Miller is: Please call me about the invoice. "
                    "And your number is 4 1 5, 5 5 5, 0 1 3 2. Is that right?"
                )
            ],
        ),
        ("Yes, it is.", ["I will pass your message on, and somebody will call you back.", MORE]),
    ],
    "two wishes at once, and small talk": [
        ("What are your hours and where are you?", [*HOURS, *ADDRESS]),
        ("How are you?", ["I am very well, thank you. What can I do for you?"]),
        ("Are you a robot?", ["I am the virtual receptionist of Larkfield Dental."]),
        ("Hold on a second.", ["Of course, take your time."]),
        ("What time is it?", ["It is 10:05 in the morning, on Monday."]),
        ("Are you open tomorrow?", ["On Tuesday we are open from 8:30 in the morning until 6 in the evening."]),
        ("Can you repeat that, please?", ["On Tuesday we are open from 8:30 in the morning until 6 in the evening."]),
        ("And on Sunday?", ["We are closed on Sundays."]),
        ("Can you hear me?", ["Yes, I can hear you well."]),
        ("What can you do?", [CAPABILITIES]),
        (
            "How much is a cleaning?",
            ["Prices depend on the treatment. Shall I take a message, so that somebody calls you back about it?"],
        ),
        ("Thank you.", ["You are welcome."]),
        ("Goodbye.", BYE),
    ],
    "not understood": [
        ("Plumber gravel seventeen.", ["Sorry, I did not catch that.", "Could you say it again?"]),
        ("Gravel.", ["I am sorry, I still did not understand.", CAPABILITIES]),
        (
            "Grave.",
            ["I am having trouble understanding you.", "Shall I take a message, so that somebody calls you back?"],
        ),
        ("Yes.", ["I am happy to take a message.", "What is the message?"]),
        ("Bye.", BYE),
    ],
    "a bent word, and nobody to transfer to": [
        ("An apointmend.", ["I can book that for you.", "What day would suit you?"]),
        (
            "I want to talk to a human.",
            [
                "I am the only one at the desk right now, but I can take a message.",
                "Would you like to leave one?",
            ],
        ),
        ("No.", ["All right. What can I do for you?"]),
    ],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_a_conversation_word_for_word(name: str) -> None:
    caller = Caller()
    for said, expected in CONVERSATIONS[name]:
        assert (said, await caller.says(said)) == (said, expected)


def test_the_tables_hold_at_least_forty_lines() -> None:
    assert sum(len(lines) for lines in CONVERSATIONS.values()) >= 40


async def test_after_an_interruption_it_goes_on_where_it_was_cut() -> None:
    caller = Caller()
    await caller.says("What are your opening hours?")
    caller.interrupts(HOURS[1])
    assert await caller.says("Go on.") == HOURS[1:]


async def test_what_after_an_interruption_repeats_from_there() -> None:
    caller = Caller()
    await caller.says("What are your opening hours?")
    caller.interrupts(HOURS[0])
    assert await caller.says("What?") == HOURS


async def test_after_a_noise_that_cut_it_off_it_goes_on() -> None:
    caller = Caller()
    await caller.says("What are your opening hours?")
    caller.interrupts(HOURS[1])
    assert await caller.says("...") == HOURS[1:]


async def test_a_speculative_turn_leaves_no_trace() -> None:
    caller = Caller()
    await caller.says("Can I book an appointment?")
    before = caller.conversation.memory
    snapshot = repr(before)
    speculative = Conversation(history=[*caller.conversation.history, Said("user", "Tomorrow")], memory=before)
    async for _ in caller.brain.reply(speculative):
        pass
    assert speculative.memory != before
    assert repr(before) == snapshot


async def test_facts_come_from_the_prompt() -> None:
    caller = Caller(
        prompt="You are the receptionist at Harbour Dental. Be brief.\n"
        "Hours: Mon-Fri 9-17:30, Sat 10am - 2pm; Sunday closed\nAddress: 5 Quay Road\nWifi: guests may use it"
    )
    assert await caller.says("What are your hours?") == [
        "We are open Monday to Friday from 9 in the morning until 5:30 in the afternoon.",
        "On Saturday we are open from 10 in the morning until 2 in the afternoon.",
        "We are closed on Sundays.",
    ]
    assert await caller.says("Where are you?") == ["You find us at 5 Quay Road."]
    assert await caller.says("Do you have wifi?") == ["Wifi: guests may use it."]
    assert await caller.says("Bye.") == ["Thank you for calling Harbour Dental.", "Goodbye!"]


async def test_hours_that_are_not_understood_are_quoted() -> None:
    caller = Caller(prompt="Business: The Old Mill\nHours: whenever the flag is up")
    assert await caller.says("When do you open on Monday?") == ["Our opening hours are whenever the flag is up."]


LUNA = "You are the host of Trattoria Luna.\nHours: Tue-Sun 17:00 to 23:00\nParking: in the street, free after six"


async def test_what_a_prompt_does_not_state_is_not_made_up() -> None:
    caller = Caller(prompt=LUNA)
    assert await caller.says("Where are you?") == ["I do not have the address here, I am afraid."]
    assert await caller.says("Is there parking?") == ["Parking: in the street, free after six."]
    assert await caller.says("Bye.") == ["Thank you for calling Trattoria Luna.", "Goodbye!"]
    caller = Caller(prompt="Business: Sam & Daughters")
    assert await caller.says("When are you open?") == ["I do not have the opening hours here, I am afraid."]


async def test_a_restaurant_means_the_evening_and_its_function_gets_all_it_needs() -> None:
    table = FunctionSpec(
        "book_table",
        "",
        {
            "type": "object",
            "properties": {
                "date": {"type": "string"},
                "time": {"type": "string"},
                "name": {"type": "string"},
                "guests": {"type": "integer"},
            },
            "required": ["date", "time", "name", "guests"],
        },
    )
    caller = Caller([table], prompt=LUNA)
    await caller.says("Can I book a table?")
    assert await caller.says("Saturday at eight.") == [
        "All right, Saturday at 8 in the evening.",
        "What name should I put down?",
    ]
    assert await caller.says("Giovanni Rossi.") == [
        "So that is a table on Saturday at 8 in the evening, in the name of Giovanni Rossi. Is that right?"
    ]
    assert await caller.says("Yes, at eight.") == ["How many guests?"]
    assert await caller.says("Four.") == [
        "One moment, please.",
        "Your table is booked for Saturday at 8 in the evening.",
        MORE,
    ]
    booked = {"date": "2026-11-28", "time": "20:00", "name": "Giovanni Rossi", "guests": 4}
    assert caller.calls == [("book_table", booked)]
    await caller.says("Another one, for Sunday at nine in the evening.")
    await caller.says("Yes.")
    assert await caller.says("Never mind.") == ["All right, I have dropped that.", "What else can I do for you?"]
    assert await caller.says("When is my booking?") == [
        "I cannot look up earlier appointments, I am afraid.",
        "But I can book, move or cancel one.",
    ]


SLOTS = FunctionSpec(
    "find_slots",
    "List free appointments on a date",
    {"type": "object", "properties": {"date": {"type": "string"}}, "required": ["date"]},
)
BOOK = FunctionSpec(
    "book_appointment",
    "",
    {
        "type": "object",
        "properties": {"date": {"type": "string"}, "time": {"type": "string"}, "customer_name": {"type": "string"}},
        "required": ["date", "time", "customer_name"],
    },
)
HANG_UP = FunctionSpec("hang_up", "End the call after saying goodbye", {"type": "object", "properties": {}})
TRANSFER = FunctionSpec("transfer_call", "", {})
WEATHER = FunctionSpec(
    "get_weather",
    "Current weather",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
ORDER = FunctionSpec(
    "get_order_status",
    "Look up an order",
    {"type": "object", "properties": {"order_number": {"type": "integer"}}, "required": ["order_number"]},
)
ALL = (SLOTS, BOOK, HANG_UP, TRANSFER, WEATHER, ORDER)


async def test_a_booking_goes_through_the_functions_of_the_settings() -> None:
    caller = Caller(ALL, {"find_slots": '{"slots": ["10:15", "11:30"]}'})
    assert await caller.says("I need an appointment on Tuesday.") == [
        "I can book that for you.",
        "Let me see what is free.",
        "On Tuesday I have 10:15 and 11:30.",
        "What time would you like?",
    ]
    await caller.says("Ten fifteen.")
    await caller.says("Alice.")
    assert await caller.says("Yes. Thank you, goodbye.") == [
        "One moment, please.",
        "Your appointment is booked for Tuesday at 10:15 in the morning.",
        *BYE,
    ]
    assert caller.calls == [
        ("find_slots", {"date": "2026-11-24"}),
        ("book_appointment", {"date": "2026-11-24", "time": "10:15", "customer_name": "Alice"}),
        ("hang_up", {}),
    ]


@pytest.mark.parametrize("error", ['{"error": "calendar is down"}', "Error: calendar is down", '{"ok": false}'])
async def test_a_function_that_fails_is_said_and_a_message_offered(error: str) -> None:
    caller = Caller([BOOK], {"book_appointment": error})
    await caller.says("Book me in for Tuesday at ten, my name is Alice.")
    assert await caller.says("Yes.") == [
        "One moment, please.",
        "I am sorry, that did not work.",
        "Shall I take a message instead?",
    ]
    assert await caller.says("Yes.") == ["I am happy to take a message.", "What is the message?"]


async def test_any_function_is_found_by_its_own_words() -> None:
    caller = Caller(
        ALL, {"get_weather": '{"temperature": 12, "sky": "cloudy"}', "get_order_status": "It is on its way."}
    )
    assert await caller.says("What is the weather in Paris?") == [
        "Let me look that up.",
        "The temperature is 12. The sky is cloudy.",
    ]
    assert await caller.says("What's the status of my order?") == ["What is the order number?"]
    assert await caller.says("Four two.") == ["Let me look that up.", "It is on its way."]
    assert caller.calls == [("get_weather", {"city": "Paris"}), ("get_order_status", {"order_number": 42})]


async def test_a_human_is_called_where_there_is_a_function_for_it() -> None:
    caller = Caller(ALL)
    assert await caller.says("Can I speak to a real person?") == ["One moment, I will connect you."]
    assert caller.calls == [("transfer_call", {})]


async def test_goodbye_hangs_up_and_says_nothing_afterwards() -> None:
    caller = Caller(ALL)
    assert await caller.says("Goodbye.") == BYE
    assert caller.calls == [("hang_up", {})]
