"""Programs for those who work on offhook. Not part of the package."""
