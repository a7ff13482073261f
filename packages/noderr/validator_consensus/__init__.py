"""The validators' consensus: whether a trade was executed and settled as oracles and guardians said it may be.

What a node uses is in the modules; importing this package loads none of them.
"""
