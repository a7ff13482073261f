"""Market data as this node has seen it: order books, bars, a gap-checked record on the disk, and its replay.

What a node uses is in the modules; importing this package loads none of them.
"""
