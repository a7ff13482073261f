"""The guardians' consensus: whether a trade may be made, and which strategies may trade.

What a node uses is in the modules; importing this package loads none of them.
"""
