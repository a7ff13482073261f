"""The oracles' consensus: who is on a round's committee, with which power, and what their observations agree on.

What a node uses is in the modules; importing this package loads none of them.
"""
