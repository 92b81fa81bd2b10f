"""The scripted dialogue: a receptionist, pure and testable word for word. Hears and speaks text, never audio."""
