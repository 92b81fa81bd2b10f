"""Broken set-ups, one by one, and the healthy one: what the doctor must name. The docs' table is made from these.

Write the table again: ``python -m tests.kit.patients``.
"""
