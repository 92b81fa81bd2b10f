"""A place for functions that the agent may call. Nothing here runs yet: offhook @VERSION@ does not read this file.

It is here so that the project keeps its shape when functions come. Until then whatever you write below has no effect,
and the file can be deleted without harm.
"""
