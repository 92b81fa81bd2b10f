"""Scenarios: one file says who calls, how the agent behaves, and what must come of it. Above `sim`, `offline`, `lab`.

`shape` is the format, `reading` takes files, `catalogue` holds those that come with offhook, `performance` makes the
call, `verdict` compares, `suite` does many.
"""
