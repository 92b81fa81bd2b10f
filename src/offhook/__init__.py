"""offhook: a Deepgram voice agent on a Twilio phone number. This package root holds the version and nothing that costs import time."""

__version__ = "0.1.0"
