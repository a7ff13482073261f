"""How an approved order becomes trades: which venues get how much of it (`routing`), when (`schedules`), what it cost
(`costs`), and the engine that sends, follows and reports.

What a node uses is in the modules; importing this package loads none of them.
"""
