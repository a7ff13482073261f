"""What an oracle can see in order books: an honest forecast of a market's next move, or a reason why there is none.

What a node uses is in the modules; importing this package loads none of them.
"""
