"""Connections to the venues' public feeds: streams that come back, and books that are checked as each venue says.

What a node uses is in the modules; importing this package loads none of them.
"""
