"""The judge: reads both histories of a call and says in words what the bridge did wrong. Pure: no I/O, no clock."""

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import History, SeveralCallsError
from offhook.lab.judge.judge import judge
from offhook.lab.judge.patience import Patience
from offhook.lab.judge.probed import Probed

__all__ = ["Finding", "History", "Patience", "Probed", "SeveralCallsError", "judge"]
