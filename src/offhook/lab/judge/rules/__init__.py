"""The judge's rules, one subject a module. The list of them is `offhook.lab.judge.judge.RULES`."""
