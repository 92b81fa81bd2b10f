"""A small bridge that is right, and a switch for each known defect: the judge's judge. Shares no code with offhook."""
