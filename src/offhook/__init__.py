"""offhook: a Deepgram voice agent on a Twilio phone number. Here: the version, nothing that costs time."""

__version__ = "0.1.0"
