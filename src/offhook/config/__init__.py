"""Settings and its parts, frozen; load() says where each value came from."""

from offhook.config.load import Loaded, load
from offhook.config.settings import Settings

__all__ = ["Loaded", "Settings", "load"]
