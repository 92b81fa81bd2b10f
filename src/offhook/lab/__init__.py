"""The laboratory: both twins around any bridge, watched and judged. Uses the twins; knows nothing of our bridge."""
