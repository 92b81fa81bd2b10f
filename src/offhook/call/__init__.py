"""One phone call as a pure state machine. No I/O, no clock, no randomness: events and `now` in, actions out."""
