"""The verbs of TwiML, one noun a module. Each takes its time, says what it did, and returns the next page or none."""
