"""The network operator's coordinator: registry of nodes, their telemetry, desired versions and peers.

Light on purpose: what reads its catalogue or description must not load a database.
"""
