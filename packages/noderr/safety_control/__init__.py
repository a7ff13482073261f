"""Whether this node may trade, and how: modes, the lease that live trading needs, and the kill switch.

What a node uses is in the modules; importing this package loads none of them.
"""
