"""The speaking mind: ears, dialogue and voice that work without a network. Does not know Deepgram's protocol."""
